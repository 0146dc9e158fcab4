package render

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/go-json-experiment/json"

	"github.com/initkoa/orgo/activities/reference/stream"
	"github.com/initkoa/orgo/activities/runner"
	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/records"
)

// Traced is one line of the trace: the line of the page on which a statement begins,
// from 1, and what it came from. Claims come once each, in the order of the page;
// sources are those whose id begins with a digest, as those of the reference extract
// stage do.
type Traced struct {
	Line          int64            `json:"line"`
	StatementID   string           `json:"statement_id"`
	ClaimIDs      []string         `json:"claim_ids"`
	SourceDigests []records.Digest `json:"source_digests"`
}

// check returns nil only if t leads from a line after last to claims.
func (t Traced) check(last, lines int64) error {
	switch {
	case t.Line <= last || t.Line > lines:
		return fmt.Errorf("names line %d of %d, after line %d", t.Line, lines, last)
	case t.StatementID == "":
		return errors.New("names no statement")
	case len(t.ClaimIDs) == 0 || slices.Contains(t.ClaimIDs, ""):
		return fmt.Errorf("the statement on line %d %w", t.Line, errUntraced)
	}
	for _, digest := range t.SourceDigests {
		if !digest.Valid() {
			return fmt.Errorf("names a source by %q", digest)
		}
	}
	return nil
}

// Check reads a page and its trace to their ends, whoever made them, and returns nil
// only if both are what their references say and each line of the trace leads from a
// line of the page to claims. Whether all that the page states is in the trace, only
// who made it can know.
func Check(ctx context.Context, store runner.ArtifactStore, page, trace records.Ref) error {
	lines, err := countLines(ctx, store, page)
	if err != nil {
		return err
	}
	last := int64(0)
	for line, err := range stream.Lines(ctx, store, trace, gates.RunnerOutputInvalid) {
		if err != nil {
			return err
		}
		var traced Traced
		err := json.Unmarshal(line.Bytes, &traced, json.RejectUnknownMembers(true))
		if err == nil {
			err = traced.check(last, lines)
		}
		if err != nil {
			return stream.AtLine(codeOf(err, gates.RunnerOutputInvalid), err, trace, line.Number)
		}
		last = traced.Line
	}
	return nil
}

// codeOf returns the code of what is wrong with a row.
func codeOf(err error, malformed gates.Code) gates.Code {
	if errors.Is(err, errUntraced) {
		return gates.EvidenceMissing
	}
	return malformed
}

// countLines returns how many lines an artifact has.
func countLines(ctx context.Context, store runner.ArtifactStore, ref records.Ref) (int64, error) {
	reader, err := store.Open(ctx, ref)
	if err != nil {
		return 0, err
	}
	defer reader.Close() //nolint:errcheck // reading only
	counter := &lineCounter{ended: true}
	if _, err := io.Copy(counter, reader); err != nil {
		return 0, err
	}
	if !counter.ended {
		counter.lines++
	}
	return counter.lines, nil
}

// lineCounter counts line feeds. Ended says that the last byte was one.
type lineCounter struct {
	lines int64
	ended bool
}

func (c *lineCounter) Write(p []byte) (int, error) {
	c.lines += int64(bytes.Count(p, []byte("\n")))
	c.ended = len(p) == 0 && c.ended || bytes.HasSuffix(p, []byte("\n"))
	return len(p), nil
}
