//go:build linux

package command

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"

	"github.com/initkoa/orgo/activities/runner"
	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/records"
)

// The layout of a scratch directory, which is also the program's working
// directory.
const (
	inputsDir        = "inputs"       // one file for each input, by name
	snapshotFilesDir = "inputs/files" // the files of the snapshot, by path
	outputsDir       = "outputs"      // where the program writes
	tempDir          = "tmp"          // TMPDIR
)

// scratch is the directory of one attempt.
type scratch struct{ path string }

func (s scratch) join(name string) string { return filepath.Join(s.path, filepath.FromSlash(name)) }

// remove deletes everything, also directories that the program made unwritable.
func (s scratch) remove() error {
	if err := os.RemoveAll(s.path); err == nil {
		return nil
	}
	// A directory that cannot be opened up is reported by RemoveAll.
	_ = filepath.WalkDir(s.path, func(name string, entry fs.DirEntry, err error) error {
		if entry != nil && entry.IsDir() {
			return errors.Join(os.Chmod(name, 0o700), err)
		}
		return err
	})
	return os.RemoveAll(s.path)
}

// scratchPaths tells a program where its files are, relative to its working
// directory.
type scratchPaths struct {
	Inputs []inputFile `json:"inputs"`
	// SnapshotFiles is the directory that holds the files of the input "snapshot"
	// under the paths that its manifest gives them; absent without such an input.
	SnapshotFiles string `json:"snapshot_files,omitempty"`
	Outputs       string `json:"outputs"`
}

// inputFile says in which file an input is.
type inputFile struct {
	Name string `json:"name"`
	Path string `json:"path,omitempty"`
	File string `json:"file"`
}

// materialize writes the inputs into read-only files. It returns only if every
// byte is what the references say.
func (s scratch) materialize(ctx context.Context, store runner.ArtifactStore, inputs []records.Artifact) (scratchPaths, error) {
	paths := scratchPaths{Inputs: []inputFile{}, Outputs: outputsDir}
	for _, dir := range []string{inputsDir, outputsDir, tempDir} {
		if err := os.Mkdir(s.join(dir), 0o700); err != nil {
			return paths, scratchFailure(err)
		}
	}
	root, err := os.OpenRoot(s.path)
	if err != nil {
		return paths, scratchFailure(err)
	}
	defer root.Close()
	for _, input := range inputs {
		file := inputsDir + "/" + input.Name
		if input.Path != "" {
			file += "/" + input.Path
		}
		if err := writeInput(ctx, store, root, file, input.Ref); err != nil {
			return paths, fmt.Errorf("input %s: %w", input.Name, err)
		}
		paths.Inputs = append(paths.Inputs, inputFile{Name: input.Name, Path: input.Path, File: file})
		if input.Name != records.OutSnapshot {
			continue
		}
		paths.SnapshotFiles = snapshotFilesDir
		if err := writeSnapshotFiles(ctx, store, root, file); err != nil {
			return paths, fmt.Errorf("input %s: %w", input.Name, err)
		}
	}
	return paths, nil
}

// writeSnapshotFiles writes every file that the manifest, verified and written
// before, lists.
func writeSnapshotFiles(ctx context.Context, store runner.ArtifactStore, root *os.Root, manifest string) error {
	content, err := root.ReadFile(manifest)
	if err != nil {
		return scratchFailure(err)
	}
	var snapshot records.Snapshot
	if err := json.Unmarshal(content, &snapshot); err != nil || snapshot.Kind != records.SnapshotKind {
		return runner.Fail(gates.ContractViolation, err, "the snapshot is not a snapshot manifest")
	}
	if err := root.MkdirAll(snapshotFilesDir, 0o700); err != nil {
		return scratchFailure(err)
	}
	for _, file := range snapshot.Files {
		if err := writeInput(ctx, store, root, snapshotFilesDir+"/"+file.Path, file.Ref()); err != nil {
			return fmt.Errorf("file %q: %w", file.Path, err)
		}
	}
	return nil
}

// writeInput copies verified content into a new read-only file below root.
func writeInput(ctx context.Context, store runner.ArtifactStore, root *os.Root, name string, ref records.Ref) error {
	if !fs.ValidPath(name) {
		return runner.Fail(gates.InputOutsideRoot, nil, "%q is not a clean relative path", name)
	}
	content, err := store.Open(ctx, ref)
	if err != nil {
		return err
	}
	defer content.Close()
	if err := root.MkdirAll(path.Dir(name), 0o700); err != nil {
		return scratchFailure(err)
	}
	file, err := root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o400)
	if err != nil {
		return scratchFailure(err)
	}
	_, err = io.Copy(file, content)
	err = errors.Join(err, file.Close())
	if failure := (*runner.Failure)(nil); err == nil || errors.As(err, &failure) {
		return err
	}
	return scratchFailure(err)
}

func scratchFailure(err error) error {
	return runner.Fail(gates.RunnerUnavailable, err, "scratch directory cannot be filled; see that its disk has room and is writable")
}
