package ledger

import (
	"errors"
	"fmt"
	"strings"

	"golang.org/x/mod/sumdb/note"
)

// ParseVerifiers reads the public keys of a log, one a line, in the form of C2SP
// signed-note, and returns its origin. Any of them may have signed a checkpoint:
// while a key is rotated there are two.
func ParseVerifiers(text string) (origin string, keys []note.Verifier, err error) {
	return parseKeys(text, note.NewVerifier)
}

// ParseSigners reads the private keys of a log, one a line. All of them sign.
func ParseSigners(text string) (origin string, keys []note.Signer, err error) {
	return parseKeys(text, note.NewSigner)
}

func parseKeys[K interface{ Name() string }](text string, parse func(string) (K, error)) (origin string, keys []K, err error) {
	for _, line := range strings.Fields(text) {
		key, err := parse(line)
		if err != nil {
			return "", nil, err
		}
		if len(keys) > 0 && key.Name() != origin {
			return "", nil, fmt.Errorf("it holds keys of two logs, %s and %s", origin, key.Name())
		}
		origin = key.Name()
		keys = append(keys, key)
	}
	if len(keys) == 0 {
		return "", nil, errors.New("it holds no key")
	}
	return origin, keys, nil
}
