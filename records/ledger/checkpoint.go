package ledger

import (
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// emptyRoot is the root of a tree without leaves (RFC 6962 section 2.1).
var emptyRoot = tlog.Hash(sha256.Sum256(nil))

// Checkpoint says what a log is at one size. Its text form is that of C2SP
// tlog-checkpoint: origin, size, root in base64, one a line.
type Checkpoint struct {
	Origin string
	Size   int64
	Root   tlog.Hash
}

// text returns the lines that are signed.
func (c Checkpoint) text() string {
	return fmt.Sprintf("%s\n%d\n%s\n", c.Origin, c.Size, base64.StdEncoding.EncodeToString(c.Root[:]))
}

// Sign returns the checkpoint as a signed note.
func (c Checkpoint) Sign(signers ...note.Signer) ([]byte, error) {
	return note.Sign(&note.Note{Text: c.text()}, signers...)
}

// maxCheckpoint bounds the size of a signed checkpoint, in bytes.
const maxCheckpoint = 16 << 10

// BadCheckpoint says why a text is no checkpoint of a log.
type BadCheckpoint struct{ Err error }

// Error says why.
func (e *BadCheckpoint) Error() string { return fmt.Sprintf("not a checkpoint of this log: %v", e.Err) }

// Unwrap returns the cause.
func (e *BadCheckpoint) Unwrap() error { return e.Err }

// OpenCheckpoint returns the checkpoint in a signed note. At least one of the
// verifiers must have signed it, and origin must be its own. Every other text
// than the one that Sign makes of a checkpoint is a *BadCheckpoint.
func OpenCheckpoint(signed []byte, verifiers note.Verifiers, origin string) (Checkpoint, error) {
	if len(signed) > maxCheckpoint {
		return Checkpoint{}, &BadCheckpoint{fmt.Errorf("%d bytes are more than %d", len(signed), maxCheckpoint)}
	}
	opened, err := note.Open(signed, verifiers)
	if err != nil {
		return Checkpoint{}, &BadCheckpoint{err}
	}
	// A signature has one form, too: no bits that decoding drops.
	for _, signature := range opened.Sigs {
		if _, err := base64.StdEncoding.Strict().DecodeString(signature.Base64); err != nil {
			return Checkpoint{}, &BadCheckpoint{fmt.Errorf("signature by %s: %w", signature.Name, err)}
		}
	}
	checkpoint, err := parse(opened.Text)
	if err != nil {
		return Checkpoint{}, &BadCheckpoint{err}
	}
	if checkpoint.Origin != origin {
		return Checkpoint{}, &BadCheckpoint{fmt.Errorf("its origin is %q, not %q", checkpoint.Origin, origin)}
	}
	return checkpoint, nil
}

// SizeOf returns the size that a signed checkpoint states. It checks no signature:
// whoever has to trust the size opens the checkpoint.
func SizeOf(signed []byte) (int64, error) {
	text, _, found := strings.Cut(string(signed), "\n\n")
	if !found {
		return 0, &BadCheckpoint{errors.New("it has no signature")}
	}
	checkpoint, err := parse(text + "\n")
	if err != nil {
		return 0, &BadCheckpoint{err}
	}
	return checkpoint.Size, nil
}

func parse(text string) (Checkpoint, error) {
	lines := strings.Split(text, "\n")
	if len(lines) != 4 || lines[3] != "" {
		return Checkpoint{}, fmt.Errorf("it has %d lines, not 3", len(lines)-1)
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	if err != nil || size < 0 {
		return Checkpoint{}, fmt.Errorf("its size %q is no number of leaves", lines[1])
	}
	root, err := base64.StdEncoding.Strict().DecodeString(lines[2])
	if err != nil || len(root) != tlog.HashSize {
		return Checkpoint{}, fmt.Errorf("its root is not %d bytes of base64", tlog.HashSize)
	}
	checkpoint := Checkpoint{Origin: lines[0], Size: size, Root: tlog.Hash(root)}
	// One form for each value: no sign, no leading zero, no other base64.
	if checkpoint.text() != text {
		return Checkpoint{}, fmt.Errorf("it is not in canonical form")
	}
	return checkpoint, nil
}

// SortCheckpoints sorts by size.
func SortCheckpoints(checkpoints []Checkpoint) {
	slices.SortFunc(checkpoints, func(a, b Checkpoint) int { return int(min(1, max(-1, a.Size-b.Size))) })
}
