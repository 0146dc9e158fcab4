package cli

import (
	"bytes"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/initkoa/orgo/client"
	"github.com/initkoa/orgo/schemas"
)

const (
	schemaSuffix = ".schema.json"
	// contractHead is the file that says what set a directory holds.
	contractHead = "contract-set.yaml"
	// unversioned is the version of a set that states none. It is pinned by its
	// digest all the same.
	unversioned = "0.0.0"
)

// readContracts reads a directory of schemas, each named ROLE.schema.json, as a
// contract set of the directory's name. A file contract-set.yaml beside them may
// give name, version, source and commit.
func readContracts(directory string) (json.RawMessage, error) {
	absolute, err := filepath.Abs(directory)
	if err != nil {
		return nil, Usage("contracts %s: %v", directory, err)
	}
	set := client.ContractSet{
		ContractHead: client.ContractHead{Name: filepath.Base(absolute), Version: unversioned},
		Schemas:      map[string]json.RawMessage{},
	}
	if err := readContractHead(filepath.Join(directory, contractHead), &set.ContractHead); err != nil {
		return nil, err
	}
	files, err := os.ReadDir(directory)
	if err != nil {
		return nil, Usage("%v", err)
	}
	for _, file := range files {
		if file.IsDir() || !strings.HasSuffix(file.Name(), schemaSuffix) {
			continue
		}
		path := filepath.Join(directory, file.Name())
		data, err := os.ReadFile(path)
		if err != nil {
			return nil, Usage("%v", err)
		}
		if set.Schemas[file.Name()], err = schemas.CanonicalizeJSON(data); err != nil {
			return nil, Usage("%s: %v", path, err)
		}
	}
	if len(set.Schemas) == 0 {
		return nil, Usage("contracts %s: the directory has no file *%s", directory, schemaSuffix)
	}
	return json.Marshal(set)
}

// readContractHead reads what a directory says about its set, if it does.
func readContractHead(path string, head *client.ContractHead) error {
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	document, err := readDocument(path)
	if err != nil {
		return err
	}
	decoder := json.NewDecoder(bytes.NewReader(document))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(head); err != nil {
		return Usage("%s: %v", path, err)
	}
	return nil
}
