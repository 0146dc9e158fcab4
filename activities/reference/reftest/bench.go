// Package reftest is what the tests of the reference stages share: a real
// artifact store, requests, the external schemas, and synthetic corpora.
package reftest

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/initkoa/orgo/activities/artifacts"
	"github.com/initkoa/orgo/activities/reference/claim"
	"github.com/initkoa/orgo/activities/runner"
	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/records"
)

// Bench is an artifact store and the means to run stages over it.
type Bench struct {
	Store *artifacts.Store
}

// New returns a bench over a directory of its own.
func New(t testing.TB) *Bench {
	t.Helper()
	location := url.URL{Scheme: "file", Path: t.TempDir()}
	return open(t, location.String())
}

// NewInMemory returns a bench over the store's memory driver, for tests that
// store the like a hundred times.
func NewInMemory(t testing.TB) *Bench {
	t.Helper()
	return open(t, "mem://")
}

func open(t testing.TB, location string) *Bench {
	t.Helper()
	store, err := artifacts.Open(context.Background(), location)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, store.Close()) })
	return &Bench{Store: store}
}

// SourceDate is the source date of every request.
func SourceDate() time.Time { return time.Date(2024, 1, 2, 3, 4, 5, 0, time.UTC) }

// Recipe is the recipe of every request.
func Recipe() records.Digest { return records.DigestOf([]byte("recipe")) }

// Request returns a request to do stage with the given config and inputs.
func (b *Bench) Request(stage records.Stage, config string, inputs ...records.Artifact) runner.Request {
	return runner.Request{
		Organization: records.DefaultOrganization, BuildID: "build-1", Stage: stage, Generation: 1, Attempt: 1,
		Inputs: inputs, Config: json.RawMessage(config), Recipe: Recipe(), SourceDate: SourceDate(),
	}
}

// Run runs a stage that must succeed.
func (b *Bench) Run(t testing.TB, r runner.Runner, req runner.Request) runner.Result {
	t.Helper()
	result, err := r.Run(context.Background(), req, Silent)
	require.NoError(t, err)
	return result
}

// Refuse runs a stage that must fail with code, and returns the failure.
func (b *Bench) Refuse(t testing.TB, r runner.Runner, req runner.Request, code gates.Code) *runner.Failure {
	t.Helper()
	_, err := r.Run(context.Background(), req, Silent)
	return RequireCode(t, err, code)
}

// RequireCode requires that err is a failure with code, and returns it.
func RequireCode(t testing.TB, err error, code gates.Code) *runner.Failure {
	t.Helper()
	require.Error(t, err)
	var failure *runner.Failure
	require.ErrorAs(t, err, &failure)
	require.Equal(t, code, failure.Code, failure.Error())
	return failure
}

// Silent takes no notice of progress.
func Silent(int64, int64) {}

// Put stores text as an artifact of the given name.
func (b *Bench) Put(t testing.TB, name, text string) records.Artifact {
	t.Helper()
	ref, err := b.Store.Put(context.Background(), records.MediaJSONLines, bytes.NewReader([]byte(text)))
	require.NoError(t, err)
	return records.Artifact{Name: name, Ref: ref}
}

// PutJSON stores v in canonical form.
func (b *Bench) PutJSON(t testing.TB, name string, v any) records.Artifact {
	t.Helper()
	canonical, err := records.Canonical(v)
	require.NoError(t, err)
	ref, err := b.Store.PutBytes(context.Background(), records.MediaJSON, canonical)
	require.NoError(t, err)
	return records.Artifact{Name: name, Ref: ref}
}

// PutLines stores values as JSON Lines.
func PutLines[T any](t testing.TB, b *Bench, name string, values ...T) records.Artifact {
	t.Helper()
	var lines bytes.Buffer
	writer := claim.NewWriter(&lines)
	for _, v := range values {
		require.NoError(t, writer.Write(v))
	}
	return b.Put(t, name, lines.String())
}

// Read returns the content of an artifact.
func (b *Bench) Read(t testing.TB, ref records.Ref) []byte {
	t.Helper()
	reader, err := b.Store.Open(context.Background(), ref)
	require.NoError(t, err)
	defer reader.Close()
	content, err := io.ReadAll(reader)
	require.NoError(t, err)
	return content
}

// Lines returns the lines of an artifact, without line ends.
func (b *Bench) Lines(t testing.TB, ref records.Ref) []string {
	t.Helper()
	var lines []string
	scanner := bufio.NewScanner(bytes.NewReader(b.Read(t, ref)))
	scanner.Buffer(nil, claim.MaxLineBytes)
	for scanner.Scan() {
		lines = append(lines, scanner.Text())
	}
	require.NoError(t, scanner.Err())
	return lines
}

// Output returns the one output of the given name.
func Output(t testing.TB, result runner.Result, name string) records.Artifact {
	t.Helper()
	var found []records.Artifact
	for _, output := range result.Outputs {
		if output.Name == name {
			found = append(found, output)
		}
	}
	require.Len(t, found, 1, name)
	return found[0]
}
