package stack

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"time"

	"github.com/initkoa/orgo/activities"
	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/records/attest"
)

// CreateSigningKey makes the key that signs attestations: path gets the private
// half, readable by its owner alone, and path.pub the public one, both in PEM. It
// refuses to replace a key.
func CreateSigningKey(path string) error {
	private, err := attest.Generate(rand.Reader)
	if err != nil {
		return err
	}
	signer, err := attest.ParseSigner(private)
	if err != nil {
		return err
	}
	if err := createFile(path, private, 0o600); err != nil {
		return fmt.Errorf("signing key: %w", err)
	}
	if err := createFile(path+publicSuffix, signer.Key().PEM(), 0o644); err != nil {
		return fmt.Errorf("signing key: %w", err)
	}
	return nil
}

// EnsureKey makes a key unless there is one.
func EnsureKey(path string, create func(path string) error) error {
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return create(path)
}

// SigningPatience is how long a KMS may take for one answer. Finishing a build asks
// for two signatures, and has a minute.
const SigningPatience = 10 * time.Second

// OpenSigningKey opens the key that attests builds: a file with its private half, or
// SCHEME://KEY, a key that stays in a KMS (see docs/operations.md). One of a KMS is
// tried, so that a worker that may not sign says so before there is a build to
// attest. Each answer of a KMS may take patience.
func OpenSigningKey(ctx context.Context, name string, patience time.Duration) (*attest.Signer, error) {
	if !strings.Contains(name, "://") {
		return readSigningKey(name)
	}
	key, err := openKMS(ctx, name, patience)
	if err != nil {
		return nil, err
	}
	signer, err := attest.NewSigner(key)
	if err != nil {
		return nil, fmt.Errorf("%s: %w; make one in the KMS for ECDSA on P-256 with SHA-256", name, err)
	}
	return signer, signer.Try()
}

func readSigningKey(path string) (*attest.Signer, error) {
	text, err := readPrivate("signing key", path, "orgo audit keygen "+path+" --purpose attestation")
	if err != nil {
		return nil, err
	}
	signer, err := attest.ParseSigner(string(text))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return signer, nil
}

// readPrivate reads a file with a secret. Make is the command that makes one.
func readPrivate(what, path, make string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("%s: %w; make one with %q", what, err, make)
	}
	if info.Mode().Perm()&0o077 != 0 {
		return nil, fmt.Errorf("%s %s can be read by others than its owner: chmod 600 it, and replace it if they may have", what, path)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", what, err)
	}
	return text, nil
}

// announce records the keys of this process, each once for ever: what they sign
// counts from there on.
func (k *Stack) announce(ctx context.Context) error {
	var announced []records.KeyAnnounced
	if k.signer != nil {
		key := k.signer.Key()
		announced = append(announced, records.KeyAnnounced{KeyID: key.ID(), Purpose: records.KeyAttestation, Public: key.PEM()})
	}
	if k.settings.LedgerKey != "" {
		if _, _, err := ReadLedgerKeys(k.settings.LedgerKey); err != nil {
			return err
		}
		public, err := readPublicBeside(k.settings.LedgerKey)
		if err != nil {
			return err
		}
		for i, verifier := range public.verifiers {
			announced = append(announced, records.KeyAnnounced{
				KeyID: fmt.Sprintf("%s+%08x", verifier.Name(), verifier.KeyHash()), Purpose: records.KeyLedger, Public: public.lines[i],
			})
		}
	}
	var errs []error
	for _, body := range announced {
		entry, err := records.NewEntry(records.Entry{
			Organization: k.settings.Organization, Kind: records.KindEvent, Type: records.TypeKeyAnnounced,
			Subject: records.Subject{Kind: records.SubjectKey, ID: body.KeyID}, At: activities.SystemClock{}.Now(), Actor: records.SystemActor,
		}, "announced", body)
		if err == nil {
			_, err = k.store.Append(ctx, entry)
		}
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}
