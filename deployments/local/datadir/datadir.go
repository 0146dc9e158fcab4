// Package datadir owns the data directory of a local stack: who may use it, where things are in it, and the
// token with which the CLI of its owner calls the API.
package datadir

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/initkoa/orgo/api"
	"github.com/initkoa/orgo/client"
)

// Dir is a data directory that this process alone uses.
type Dir struct {
	path string
	lock *os.File
}

// Open makes the directory when it is missing, readable by its owner alone, and locks it. The error is a
// *LockedError when another process has it. The lock ends with the process, however that ends.
func Open(path string) (*Dir, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("data directory: %w", err)
	}
	if err := os.MkdirAll(path, 0o700); err != nil {
		return nil, fmt.Errorf("data directory: %w", err)
	}
	lock, err := lockFile(filepath.Join(path, "lock"))
	if err != nil {
		return nil, err
	}
	return &Dir{path: path, lock: lock}, nil
}

// Close lets another process use the directory.
func (d *Dir) Close() error { return d.lock.Close() }

// Path returns the absolute path of the directory.
func (d *Dir) Path() string { return d.path }

// TemporalDB is the database of the embedded Temporal server.
func (d *Dir) TemporalDB() string { return filepath.Join(d.path, "temporal.db") }

// TemporalLog is where the embedded Temporal server logs.
func (d *Dir) TemporalLog() string { return filepath.Join(d.path, "temporal.log") }

// TokensFile lists the tokens that the API accepts (api.ReadTokensFile). Entries can be added by hand.
func (d *Dir) TokensFile() string { return filepath.Join(d.path, "tokens.json") }

// Token returns the token of the directory's owner, who acts as actor, with roles, for an organization. It is the one
// of an earlier start if TokensFile still lists it, and otherwise a new one, which is added there. Publish
// makes it known to the CLI.
func (d *Dir) Token(actor, organization string, roles []string) (string, error) {
	entries, err := d.readTokens()
	if err != nil {
		return "", err
	}
	earlier, err := client.FromDirectory(d.path)
	if err == nil && slices.ContainsFunc(entries, func(e api.TokenEntry) bool {
		return e.TokenSHA256 == api.HashToken(earlier.Token) && e.Organization == organization
	}) {
		return earlier.Token, nil
	}
	// Whatever client.json holds otherwise is of no use, and Publish replaces it.
	token := rand.Text()
	entries = append(entries, api.TokenEntry{TokenSHA256: api.HashToken(token), Actor: actor, Organization: organization, Roles: roles})
	return token, d.writeTokens(entries)
}

// Publish tells the CLI where the API is, once it is there.
func (d *Dir) Publish(url, token string) error {
	return client.SaveDirectory(d.path, client.Options{URL: url, Token: token})
}

func (d *Dir) readTokens() ([]api.TokenEntry, error) {
	data, err := os.ReadFile(d.TokensFile())
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("tokens file: %w", err)
	}
	var entries []api.TokenEntry
	if err := json.Unmarshal(data, &entries); err != nil {
		return nil, fmt.Errorf("tokens file %s: %w; correct it, or remove it for a new token", d.TokensFile(), err)
	}
	return entries, nil
}

func (d *Dir) writeTokens(entries []api.TokenEntry) error {
	data, err := json.MarshalIndent(entries, "", "  ")
	if err != nil {
		return fmt.Errorf("tokens file: %w", err)
	}
	// Written aside and renamed: a start that is killed leaves the old file or the new one.
	aside := d.TokensFile() + ".tmp"
	if err := os.WriteFile(aside, append(data, '\n'), 0o600); err != nil {
		return fmt.Errorf("tokens file: %w", err)
	}
	if err := os.Rename(aside, d.TokensFile()); err != nil {
		return fmt.Errorf("tokens file: %w", err)
	}
	return nil
}
