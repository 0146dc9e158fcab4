package ledger

import (
	"errors"
	"fmt"
	"strings"

	"golang.org/x/mod/sumdb/note"
)

// keyLines returns the keys in a text, one a line.
func keyLines(text string) ([]string, error) {
	lines := strings.Fields(text)
	if len(lines) == 0 {
		return nil, errors.New("it holds no key")
	}
	return lines, nil
}

// sameOrigin refuses keys of several logs.
func sameOrigin(origin, name string) error {
	if origin != "" && origin != name {
		return fmt.Errorf("it holds keys of two logs, %s and %s", origin, name)
	}
	return nil
}

// ParseVerifiers reads the public keys of a log, one a line, in the form of C2SP
// signed-note, and returns its origin. Any of them may have signed a checkpoint:
// while a key is rotated there are two.
func ParseVerifiers(text string) (origin string, keys []note.Verifier, err error) {
	lines, err := keyLines(text)
	if err != nil {
		return "", nil, err
	}
	for _, line := range lines {
		key, err := note.NewVerifier(line)
		if err != nil {
			return "", nil, err
		}
		if err := sameOrigin(origin, key.Name()); err != nil {
			return "", nil, err
		}
		origin = key.Name()
		keys = append(keys, key)
	}
	return origin, keys, nil
}

// ParseSigners reads the private keys of a log, one a line. All of them sign.
func ParseSigners(text string) (origin string, keys []note.Signer, err error) {
	lines, err := keyLines(text)
	if err != nil {
		return "", nil, err
	}
	for _, line := range lines {
		key, err := note.NewSigner(line)
		if err != nil {
			return "", nil, err
		}
		if err := sameOrigin(origin, key.Name()); err != nil {
			return "", nil, err
		}
		origin = key.Name()
		keys = append(keys, key)
	}
	return origin, keys, nil
}
