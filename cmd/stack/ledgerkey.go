package stack

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"golang.org/x/mod/sumdb/note"

	"github.com/initkoa/orgo/records/ledger"
)

// publicSuffix is what the name of a key's public half ends in.
const publicSuffix = ".pub"

// CreateLedgerKey makes the key that signs the checkpoints of a log: path gets the
// private half, readable by its owner alone, and path.pub the one to give to
// auditors, both in the form of C2SP signed-note. It refuses to replace a key.
func CreateLedgerKey(path, origin string) error {
	private, public, err := note.GenerateKey(rand.Reader, origin)
	if err != nil {
		return fmt.Errorf("ledger key: %w", err)
	}
	if err := createFile(path, private+"\n", 0o600); err != nil {
		return fmt.Errorf("ledger key: %w", err)
	}
	if err := createFile(path+publicSuffix, public+"\n", 0o644); err != nil {
		return fmt.Errorf("ledger key: %w", err)
	}
	return nil
}

// createFile writes a new file and syncs it: a log that was signed with a key is
// worth nothing once the key is lost.
func createFile(path, content string, mode fs.FileMode) error {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, mode)
	if err != nil {
		return err
	}
	_, err = file.WriteString(content)
	return errors.Join(err, file.Sync(), file.Close())
}

// ReadLedgerKeys reads the private halves of a log's keys, one a line: while a key
// is rotated both the old and the new one sign.
func ReadLedgerKeys(path string) (origin string, signers []note.Signer, err error) {
	if path == "" {
		return "", nil, errors.New("no ledger key is named: make one with \"orgo audit keygen FILE --origin NAME\" and give it with --ledger-key FILE")
	}
	text, err := readPrivate("ledger key", path, "orgo audit keygen "+path+" --origin NAME")
	if err != nil {
		return "", nil, err
	}
	if origin, signers, err = ledger.ParseSigners(string(text)); err != nil {
		return "", nil, fmt.Errorf("ledger key %s: %w", path, err)
	}
	return origin, signers, nil
}

// ReadLedgerVerifiers reads the public halves, one a line.
func ReadLedgerVerifiers(path string) (origin string, verifiers []note.Verifier, err error) {
	p, err := readLedgerPublic(path)
	return p.origin, p.verifiers, err
}

// ledgerPublic is the public half of a log's keys.
type ledgerPublic struct {
	origin    string
	verifiers []note.Verifier
	lines     []string // of each verifier, as it is given to auditors
}

func readLedgerPublic(path string) (ledgerPublic, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return ledgerPublic{}, fmt.Errorf("public ledger key: %w", err)
	}
	origin, verifiers, err := ledger.ParseVerifiers(string(text))
	if err != nil {
		return ledgerPublic{}, fmt.Errorf("public ledger key %s: %w", path, err)
	}
	return ledgerPublic{origin, verifiers, strings.Fields(string(text))}, nil
}

// readPublicBeside reads the public half that lies beside a ledger key: a server announces
// it, and checks the log with it.
func readPublicBeside(key string) (ledgerPublic, error) {
	p, err := readLedgerPublic(key + publicSuffix)
	if errors.Is(err, fs.ErrNotExist) {
		err = fmt.Errorf("%w; put it beside the ledger key, where \"orgo audit keygen\" wrote both: it is what auditors check with", err)
	}
	return p, err
}
