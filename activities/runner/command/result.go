//go:build linux

package command

import (
	"context"
	stdjson "encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"syscall"

	"github.com/go-json-experiment/json"

	"github.com/initkoa/orgo/activities/runner"
	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/records"
)

// invocation is what a program gets on stdin.
type invocation struct {
	runner.Request
	Scratch scratchPaths `json:"scratch"`
}

// answer is what a program puts on stdout: outputs, or an error.
type answer struct {
	Outputs     []outputFile          `json:"outputs"`
	Attachments []outputFile          `json:"attachments"`
	Contents    []contentFile         `json:"contents"`
	Metrics     map[string]int64      `json:"metrics"`
	Notes       string                `json:"notes"`
	Error       *runner.ReportedError `json:"error"`
}

// outputFile is an artifact in a file below the outputs directory.
type outputFile struct {
	Name      string `json:"name"`
	Path      string `json:"path"`
	MediaType string `json:"media_type"`
	File      string `json:"file"`
}

// contentFile is content that an output refers to by digest and that is stored
// with it: the files of a snapshot.
type contentFile struct {
	MediaType string `json:"media_type"`
	File      string `json:"file"`
}

// conclusion returns the answer of a program that ended by itself, or the failure
// that its ending is. Exit status 0 with a strictly valid answer is the only success.
func conclusion(program string, limit int64, outputs *os.Root, done outcome) (answer, error) {
	used, useErr := diskUse(outputs)
	if done.overLimit || used+int64(len(done.stdout)) > limit {
		return answer{}, runner.Fail(gates.RunnerOutputTooLarge, nil, "command %s put out more than %d bytes, or more than %d on stdout", program, limit, stdoutMax)
	}
	if done.signal != 0 {
		return answer{}, runner.Fail(gates.RunnerFailed, nil, "command %s was ended by signal %s", program, done.signal)
	}
	parsed, err := parseAnswer(done.stdout)
	switch {
	case err == nil && parsed.Error != nil:
		return answer{}, parsed.Error.Failure("command " + program)
	case done.exitCode != 0:
		return answer{}, runner.Fail(gates.RunnerFailed, nil, "command %s exited with status %d", program, done.exitCode)
	case err != nil:
		return answer{}, runner.Fail(gates.RunnerOutputInvalid, err, "command %s: stdout is not a result", program)
	case useErr != nil:
		return answer{}, runner.Fail(gates.RunnerOutputInvalid, useErr, "command %s: %s/ cannot be read", program, outputsDir)
	}
	return parsed, nil
}

// parseAnswer reads stdout, which must hold one JSON object with known members
// only, each once, and nothing else.
func parseAnswer(stdout []byte) (answer, error) {
	var parsed answer
	if err := json.Unmarshal(stdout, &parsed, json.RejectUnknownMembers(true)); err != nil {
		return answer{}, err
	}
	if (parsed.Outputs == nil) == (parsed.Error == nil) {
		return answer{}, errors.New("want either outputs or an error")
	}
	return parsed, nil
}

// collector stores the files of an answer.
type collector struct {
	store   runner.ArtifactStore
	root    *os.Root
	program string
	room    int64 // bytes that may still be stored; a file may be named twice
}

// collect stores what an answer names and returns the result. It follows no link
// out of the outputs directory.
func (r *Runner) collect(ctx context.Context, program string, room int64, outputs *os.Root, parsed answer) (runner.Result, error) {
	c := &collector{store: r.store, root: outputs, program: program, room: room}
	result := runner.Result{Metrics: parsed.Metrics, Notes: parsed.Notes}
	for _, content := range parsed.Contents {
		if _, err := c.put(ctx, content.MediaType, content.File); err != nil {
			return runner.Result{}, err
		}
	}
	var err error
	if result.Outputs, err = c.artifacts(ctx, parsed.Outputs); err != nil {
		return runner.Result{}, err
	}
	if result.Attachments, err = c.artifacts(ctx, parsed.Attachments); err != nil {
		return runner.Result{}, err
	}
	return result, nil
}

func (c *collector) artifacts(ctx context.Context, files []outputFile) ([]records.Artifact, error) {
	artifacts := make([]records.Artifact, 0, len(files))
	for _, file := range files {
		if file.Name == "" || file.Name == records.AttachmentStderr || (file.Path != "" && !fs.ValidPath(file.Path)) {
			return nil, c.invalid(nil, "output %q with path %q is not well named", file.Name, file.Path)
		}
		ref, err := c.put(ctx, file.MediaType, file.File)
		if err != nil {
			return nil, err
		}
		artifacts = append(artifacts, records.Artifact{Name: file.Name, Path: file.Path, Ref: ref})
	}
	return artifacts, nil
}

// put stores one regular file.
func (c *collector) put(ctx context.Context, mediaType, name string) (records.Ref, error) {
	if mediaType == "" {
		return records.Ref{}, c.invalid(nil, "file %q has no media_type", name)
	}
	// Without O_NONBLOCK a named pipe would be waited for.
	file, err := c.root.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return records.Ref{}, c.invalid(err, "file %q cannot be opened below %s/", name, outputsDir)
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil || !info.Mode().IsRegular() {
		return records.Ref{}, c.invalid(err, "file %q is not a regular file", name)
	}
	if c.room -= info.Size(); c.room < 0 {
		return records.Ref{}, runner.Fail(gates.RunnerOutputTooLarge, nil, "command %s: its outputs are larger than max_output_bytes", c.program)
	}
	// What grows now was left behind by the program outside its process group.
	ref, err := c.store.Put(ctx, mediaType, io.LimitReader(file, info.Size()))
	if err == nil && ref.Size != info.Size() {
		return records.Ref{}, c.invalid(nil, "file %q changed after the program ended", name)
	}
	return ref, err
}

func (c *collector) invalid(cause error, format string, args ...any) error {
	return runner.Fail(gates.RunnerOutputInvalid, cause, "command %s: %s", c.program, fmt.Sprintf(format, args...))
}

// endingDetails is the structured part of a program's failure.
type endingDetails struct {
	ExitCode   int    `json:"exit_code"` // -1 if a signal ended it
	Signal     string `json:"signal,omitempty"`
	StderrTail string `json:"stderr_tail"`
}

// withDetails adds to a failure how the program ended and what it said last.
func withDetails(err error, done outcome) error {
	failure := runner.AsFailure(err)
	details := endingDetails{ExitCode: done.exitCode, StderrTail: strings.ToValidUTF8(string(done.stderr), "\ufffd")}
	if done.signal != 0 {
		details.Signal = done.signal.String()
	}
	encoded, encodeErr := stdjson.Marshal(details)
	if encodeErr != nil || failure.Details != nil {
		return err
	}
	failure.Details = encoded
	return failure
}
