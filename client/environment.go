package client

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// DefaultDirectory is where a local stack keeps its data unless it is told
// otherwise, relative to where it was started.
const DefaultDirectory = ".orgo"

// connectionFile is what a local stack writes into its data directory.
const connectionFile = "client.json"

// NoServerError says that nothing tells where the server is.
type NoServerError struct {
	// Looked is the file that would have told.
	Looked string
}

// Error says what to do.
func (e *NoServerError) Error() string {
	return fmt.Sprintf("no server is known: there is no %s; set ORGO_URL and ORGO_TOKEN, or ORGO_DATA to a local stack's data directory", e.Looked)
}

// logKeyFile is where a local stack keeps the public key of its log.
const logKeyFile = "ledger.key.pub"

// FromEnvironment finds the server: ORGO_URL and ORGO_TOKEN, else the client.json
// of a local stack in dir, or if dir is empty in ORGO_DATA, or in ".orgo". The
// public key of the log is in ORGO_LOG_KEY, or in that directory; with it every
// answer must be of the log that was seen before.
// Without any of them the error is a *NoServerError.
func FromEnvironment(dir string) (Options, error) {
	if url := os.Getenv("ORGO_URL"); url != "" {
		return Options{URL: url, Token: os.Getenv("ORGO_TOKEN")}.withLog(os.Getenv("ORGO_LOG_KEY"))
	}
	return FromDirectory(firstNonEmpty(dir, os.Getenv("ORGO_DATA"), DefaultDirectory))
}

// FromDirectory finds the server of the local stack whose data is in dir.
func FromDirectory(dir string) (Options, error) {
	path := filepath.Join(dir, connectionFile)
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return Options{}, &NoServerError{Looked: path}
	}
	if err != nil {
		return Options{}, fmt.Errorf("connection settings: %w", err)
	}
	var connection connection
	if err := json.Unmarshal(data, &connection); err != nil {
		return Options{}, fmt.Errorf("connection settings in %s: %w", path, err)
	}
	if connection.URL == "" {
		return Options{}, fmt.Errorf("connection settings in %s have no url", path)
	}
	options := Options{URL: connection.URL, Token: connection.Token}
	key := filepath.Join(dir, logKeyFile)
	if _, err := os.Stat(key); errors.Is(err, fs.ErrNotExist) {
		return options, nil
	}
	return options.withLog(key)
}

func (o Options) withLog(keyFile string) (_ Options, err error) {
	if keyFile != "" {
		o.Log, err = OpenLog(keyFile)
	}
	return o, err
}

// SaveDirectory writes what FromDirectory reads. Only the owner may read it: it
// holds a token.
func SaveDirectory(dir string, options Options) error {
	data, err := json.MarshalIndent(connection{URL: options.URL, Token: options.Token}, "", "  ")
	if err != nil {
		return fmt.Errorf("connection settings: %w", err)
	}
	path := filepath.Join(dir, connectionFile)
	// Written aside and renamed: a reader never sees half of it.
	temporary := path + ".tmp"
	if err := os.WriteFile(temporary, append(data, '\n'), 0o600); err != nil {
		return fmt.Errorf("connection settings: %w", err)
	}
	if err := os.Rename(temporary, path); err != nil {
		return fmt.Errorf("connection settings: %w", err)
	}
	return nil
}

// connection is the content of client.json.
type connection struct {
	URL   string `json:"url"`
	Token string `json:"token"`
}
