package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"sort"
	"strings"

	"github.com/initkoa/orgo/client"
	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/schemas"
)

// inputsOf makes inputs of paths and file URLs. Relative paths are taken from
// the current directory.
func inputsOf(paths []string) ([]records.Input, error) {
	inputs := make([]records.Input, 0, len(paths))
	for _, path := range paths {
		if strings.HasPrefix(path, "file:") {
			inputs = append(inputs, records.Input{URI: path})
			continue
		}
		if path == "" {
			return nil, Usage("an input is empty")
		}
		absolute, err := filepath.Abs(path)
		if err != nil {
			return nil, fmt.Errorf("input %s: %w", path, err)
		}
		location := url.URL{Scheme: "file", Path: filepath.ToSlash(absolute)}
		inputs = append(inputs, records.Input{URI: location.String()})
	}
	return inputs, nil
}

// readDocument reads a YAML or JSON file as JSON.
func readDocument(path string) (json.RawMessage, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, Usage("%v", err)
	}
	document, err := schemas.DecodeYAML(data)
	if err != nil {
		return nil, Usage("%s: %v", path, err)
	}
	return document, nil
}

// uploader stores files as artifacts and says so. A file that is named twice is
// uploaded once.
type uploader struct {
	client *client.Client
	log    io.Writer
	done   map[string]records.Ref // by path
}

func newUploader(c *client.Client, log io.Writer) *uploader {
	return &uploader{client: c, log: log, done: map[string]records.Ref{}}
}

func (u *uploader) upload(ctx context.Context, path string) (records.Ref, error) {
	if ref, found := u.done[path]; found {
		return ref, nil
	}
	file, err := os.Open(path)
	if err != nil {
		return records.Ref{}, Usage("%v", err)
	}
	defer file.Close()
	ref, err := u.client.PutArtifact(ctx, mediaType(path), file)
	if err != nil {
		return records.Ref{}, fmt.Errorf("upload %s: %w", path, err)
	}
	fmt.Fprintf(u.log, "orgo: %s is uploaded as %s, %d bytes\n", path, ref.Digest, ref.Size)
	u.done[path] = ref
	return ref, nil
}

// mediaTypes is a table of its own: that of the system differs from machine to
// machine, and the media type is part of what a pipeline pins.
var mediaTypes = map[string]string{
	".csv":   "text/csv",
	".json":  records.MediaJSON,
	".jsonl": records.MediaJSONLines,
	".md":    "text/markdown",
	".txt":   "text/plain",
	".yaml":  "application/yaml",
	".yml":   "application/yaml",
}

func mediaType(path string) string {
	if known, found := mediaTypes[strings.ToLower(filepath.Ext(path))]; found {
		return known
	}
	return "application/octet-stream"
}

// readPipeline reads a pipeline file. Each {path: FILE} inside a stage's config,
// FILE being relative to the pipeline file, is uploaded and replaced by its ref.
func readPipeline(ctx context.Context, path string, u *uploader) (json.RawMessage, error) {
	document, err := readDocument(path)
	if err != nil {
		return nil, err
	}
	var pipeline map[string]any
	decoder := json.NewDecoder(bytes.NewReader(document))
	decoder.UseNumber() // numbers keep their digits
	if err := decoder.Decode(&pipeline); err != nil {
		return nil, Usage("%s is no pipeline: it must be a mapping", path)
	}
	stages, _ := pipeline["stages"].(map[string]any)
	replaced := false
	for _, name := range sortedKeys(stages) {
		stage, isMapping := stages[name].(map[string]any)
		if !isMapping || stage["config"] == nil {
			continue
		}
		r := &replacer{directory: filepath.Dir(path), uploader: u}
		if stage["config"], err = r.replace(ctx, stage["config"]); err != nil {
			return nil, fmt.Errorf("%s, stage %s: %w", path, name, err)
		}
		replaced = replaced || r.count > 0
	}
	if !replaced {
		return document, nil
	}
	return json.Marshal(pipeline)
}

// replacer puts references in the place of paths.
type replacer struct {
	directory string
	uploader  *uploader
	count     int
}

func (r *replacer) replace(ctx context.Context, value any) (any, error) {
	var err error
	switch v := value.(type) {
	case []any:
		for i := range v {
			if v[i], err = r.replace(ctx, v[i]); err != nil {
				return nil, err
			}
		}
	case map[string]any:
		if path, isPath := v["path"].(string); isPath && len(v) == 1 {
			return r.upload(ctx, path)
		}
		// In a fixed order, so that what is uploaded and said is so too.
		for _, name := range sortedKeys(v) {
			if v[name], err = r.replace(ctx, v[name]); err != nil {
				return nil, err
			}
		}
	}
	return value, nil
}

func (r *replacer) upload(ctx context.Context, path string) (any, error) {
	if !filepath.IsAbs(path) {
		path = filepath.Join(r.directory, filepath.FromSlash(path))
	}
	r.count++
	return r.uploader.upload(ctx, path)
}

func sortedKeys(m map[string]any) []string {
	keys := make([]string, 0, len(m))
	for key := range m {
		keys = append(keys, key)
	}
	sort.Strings(keys)
	return keys
}
