package client

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/initkoa/orgo/records/ledger"
)

// CheckpointHeader bears the newest signed checkpoint of the server's log, in
// base64.
const CheckpointHeader = "Orgo-Checkpoint"

// CodeNotExtended is the reason code of a *LogError.
const CodeNotExtended = "LEDGER_NOT_EXTENDED"

// LogError says that a server's log is not the one that this client knows, grown.
// Nothing that the server says is to be relied on.
type LogError struct {
	URL  string
	What string
}

// Error says what is wrong.
func (e *LogError) Error() string {
	return fmt.Sprintf("the server at %s does not have the log that this client knows: %s", e.URL, e.What)
}

// Log is what a client knows of a server's log: the public key, and the newest
// checkpoint that it saw, which it keeps in a file. Every answer has to extend it.
// It is safe for concurrent use.
type Log struct {
	origin    string
	verifiers note.Verifiers
	path      string

	mu      sync.Mutex
	known   []byte // the signed checkpoint, or nil
	newest  ledger.Checkpoint
	checked time.Time
}

// OpenLog reads the public key of a log, or several, one a line, while one is rotated. The checkpoint is kept beside it, in
// keyFile.checkpoint.
func OpenLog(keyFile string) (*Log, error) {
	text, err := os.ReadFile(keyFile)
	if err != nil {
		return nil, fmt.Errorf("public key of the log: %w", err)
	}
	l := &Log{path: keyFile + ".checkpoint"}
	origin, keys, err := ledger.ParseVerifiers(string(text))
	if err != nil {
		return nil, fmt.Errorf("public key of the log %s: %w", keyFile, err)
	}
	l.origin, l.verifiers = origin, note.VerifierList(keys...)
	known, err := os.ReadFile(l.path)
	if errors.Is(err, fs.ErrNotExist) {
		return l, nil
	}
	if err != nil {
		return nil, fmt.Errorf("known checkpoint: %w", err)
	}
	if l.newest, err = l.open(known); err != nil {
		return nil, fmt.Errorf("known checkpoint %s: %w", l.path, err)
	}
	l.known = known
	return l, nil
}

func (l *Log) open(signed []byte) (ledger.Checkpoint, error) {
	return ledger.OpenCheckpoint(signed, l.verifiers, l.origin)
}

// checkEvery is how often the growth of a log is proved at most. A log that shrank
// or forked is found at once.
const checkEvery = time.Second

// check refuses an answer of a server whose log does not extend what is known.
func (l *Log) check(ctx context.Context, c *Client, answer *http.Response) error {
	refuse := func(format string, args ...any) error {
		return &LogError{URL: c.base.Redacted(), What: fmt.Sprintf(format, args...)}
	}
	encoded := answer.Header.Get(CheckpointHeader)
	l.mu.Lock()
	defer l.mu.Unlock()
	if encoded == "" {
		if l.known == nil || answer.StatusCode >= http.StatusBadRequest {
			return nil // an empty log, or an answer of something in between
		}
		return refuse("it showed no checkpoint, and had %d leaves before", l.newest.Size)
	}
	signed, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil {
		return refuse("its checkpoint is not base64")
	}
	if bytes.Equal(signed, l.known) {
		return nil
	}
	shown, err := l.open(signed)
	if err != nil {
		return refuse("%v", err)
	}
	if l.known != nil {
		small, large := l.newest, shown
		if small.Size > large.Size {
			small, large = large, small
		} else if time.Since(l.checked) < checkEvery && small.Size < large.Size {
			return nil // soon
		}
		if err := c.proveExtension(ctx, small, large); err != nil {
			var unfit *unprovenError
			if errors.As(err, &unfit) {
				return refuse("%v", err)
			}
			return err
		}
	}
	l.checked = time.Now()
	if l.known == nil || shown.Size > l.newest.Size {
		l.known, l.newest = signed, shown
		return l.save()
	}
	return nil
}

// unprovenError says that one checkpoint does not extend the other.
type unprovenError struct{ what string }

func (e *unprovenError) Error() string { return e.what }

// proveExtension has the server prove that its log at the larger size holds that at
// the smaller one (RFC 6962 section 2.1.2).
func (c *Client) proveExtension(ctx context.Context, small, large ledger.Checkpoint) error {
	unproven := func(why string) error {
		return &unprovenError{fmt.Sprintf("its log of %d leaves does not extend that of %d: %s", large.Size, small.Size, why)}
	}
	if small.Size == large.Size {
		if small.Root != large.Root {
			return unproven("they have different roots")
		}
		return nil
	}
	if small.Size == 0 {
		return nil
	}
	call := get("v1", "ledger", "consistency")
	call.query = url.Values{"from": {strconv.FormatInt(small.Size, 10)}, "to": {strconv.FormatInt(large.Size, 10)}}
	call.unchecked = true
	var answer struct {
		Proof [][]byte `json:"proof"`
	}
	err := c.json(ctx, call, &answer)
	var problem *Problem
	if errors.As(err, &problem) && problem.Status < http.StatusInternalServerError {
		return unproven(problem.Detail)
	}
	if err != nil {
		return err
	}
	proof := make(tlog.TreeProof, len(answer.Proof))
	for i, hash := range answer.Proof {
		if len(hash) != tlog.HashSize {
			return unproven("the proof is not made of hashes")
		}
		proof[i] = tlog.Hash(hash)
	}
	if err := tlog.CheckTree(proof, large.Size, large.Root, small.Size, small.Root); err != nil {
		return unproven("the proof is wrong")
	}
	return nil
}

// save keeps the checkpoint. It is written aside and renamed: a reader never sees
// half of it.
func (l *Log) save() error {
	temporary, err := os.CreateTemp(filepath.Dir(l.path), ".checkpoint-*")
	if err != nil {
		return fmt.Errorf("keep checkpoint: %w", err)
	}
	_, err = temporary.Write(l.known)
	if err = errors.Join(err, temporary.Close()); err == nil {
		err = os.Rename(temporary.Name(), l.path)
	}
	if err != nil {
		return fmt.Errorf("keep checkpoint: %w", errors.Join(err, os.Remove(temporary.Name())))
	}
	return nil
}
