//go:build linux

// Package runners_test runs the example runners as Orgo runs them.
package runners_test

import (
	"bufio"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/initkoa/orgo/activities/artifacts"
	"github.com/initkoa/orgo/activities/runner"
	"github.com/initkoa/orgo/activities/runner/command"
	httprunner "github.com/initkoa/orgo/activities/runner/http"
	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/records"
)

// corpus stores files and returns the request of extract over their snapshot.
func corpus(t *testing.T, store *artifacts.Store, files ...[2]string) runner.Request {
	t.Helper()
	snapshot := records.Snapshot{Kind: records.SnapshotKind, SchemaVersion: records.SnapshotVersion}
	for _, file := range files {
		ref, err := store.PutBytes(t.Context(), records.MediaJSONLines, []byte(file[1]))
		require.NoError(t, err)
		snapshot.Files = append(snapshot.Files, records.SnapshotFile{
			Path: file[0], Digest: ref.Digest, Size: ref.Size, MediaType: ref.MediaType,
		})
	}
	manifest, err := json.Marshal(snapshot)
	require.NoError(t, err)
	ref, err := store.PutBytes(t.Context(), records.MediaJSON, manifest)
	require.NoError(t, err)
	return runner.Request{
		Stage: records.Extract, Config: json.RawMessage("{}"), Inputs: []records.Artifact{{Name: records.OutSnapshot, Ref: ref}},
	}
}

func openStore(t *testing.T) *artifacts.Store {
	t.Helper()
	store, err := artifacts.Open(t.Context(), "file://"+t.TempDir())
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, store.Close()) })
	return store
}

// requireClaims runs a runner over a corpus with claims and over one without.
func requireClaims(t *testing.T, store *artifacts.Store, run runner.Runner, settings records.RunnerSettings) {
	t.Helper()
	request := corpus(t, store,
		[2]string{"data/a dir/one.claims.jsonl", "{\"n\":1}\n"},
		[2]string{"data/b.claims.jsonl", "{\"n\":2}\n{\"n\":3}\n"},
		[2]string{"data/notes.md", "no claims\n"},
	)
	request.Runner = settings
	result, err := run.Run(t.Context(), request, func(int64, int64) {})
	require.NoError(t, err)
	require.Len(t, result.Outputs, 1)
	require.Equal(t, records.OutClaims, result.Outputs[0].Name)
	require.Equal(t, records.MediaJSONLines, result.Outputs[0].Ref.MediaType)
	claims, err := store.ReadAll(t.Context(), result.Outputs[0].Ref, 1<<10)
	require.NoError(t, err)
	require.Equal(t, "{\"n\":1}\n{\"n\":2}\n{\"n\":3}\n", string(claims))

	request = corpus(t, store, [2]string{"data/notes.md", "no claims\n"})
	request.Runner = settings
	_, err = run.Run(t.Context(), request, func(int64, int64) {})
	var failure *runner.Failure
	require.ErrorAs(t, err, &failure)
	require.Equal(t, gates.InputEmpty, failure.Code, "%v", err)
	require.True(t, failure.Final)
}

func TestShellScript(t *testing.T) {
	t.Parallel()
	store := openStore(t)
	run, err := command.New(store, command.Options{Dir: t.TempDir(), Log: slog.New(slog.DiscardHandler)})
	require.NoError(t, err)
	defer run.Close()
	program, err := filepath.Abs("collect-claims.sh")
	require.NoError(t, err)
	pinned, err := run.Pin(t.Context(), records.CommandRunner{Program: program})
	require.NoError(t, err)
	requireClaims(t, store, run, records.RunnerSettings{Kind: records.RunnerCommand, Command: &pinned})
}

// artifactAPI serves the two calls of the HTTP API that runners need.
func artifactAPI(t *testing.T, store *artifacts.Store) string {
	t.Helper()
	mux := http.NewServeMux()
	mux.HandleFunc("PUT /v1/artifacts", func(w http.ResponseWriter, r *http.Request) {
		ref, err := store.Put(r.Context(), r.Header.Get("Content-Type"), r.Body)
		if err == nil {
			err = json.NewEncoder(w).Encode(ref)
		}
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
		}
	})
	mux.HandleFunc("GET /v1/artifacts/{digest}", func(w http.ResponseWriter, r *http.Request) {
		digest, err := records.ParseDigest(r.PathValue("digest"))
		if err != nil {
			http.Error(w, err.Error(), http.StatusUnprocessableEntity)
			return
		}
		content, err := store.Open(r.Context(), records.Ref{Digest: digest})
		if err != nil {
			http.Error(w, err.Error(), http.StatusNotFound)
			return
		}
		defer content.Close()
		_, _ = io.Copy(w, content) // without the size, the store cannot call it whole
	})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer test" {
			http.Error(w, "no token", http.StatusUnauthorized)
			return
		}
		mux.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	return server.URL
}

func TestPythonService(t *testing.T) {
	t.Parallel()
	python, err := exec.LookPath("python3")
	if err != nil {
		if os.Getenv("CI") != "" {
			t.Fatalf("python3 is needed in CI: %v", err)
		}
		t.Skip("SKIPPED: python3 is not on PATH, so the example service was not run")
	}
	store := openStore(t)
	service := exec.Command(python, "collect_claims_service.py", "0")
	service.Env = append(service.Environ(), "ORGO_URL="+artifactAPI(t, store), "ORGO_TOKEN=test")
	stdout, err := service.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, service.Start())
	t.Cleanup(func() {
		require.NoError(t, service.Process.Kill())
		require.Error(t, service.Wait())
	})
	port, err := bufio.NewReader(stdout).ReadString('\n')
	require.NoError(t, err)

	run, err := httprunner.New(store, httprunner.Options{})
	require.NoError(t, err)
	defer run.Close()
	pinned, err := run.Pin(t.Context(), records.HTTPRunner{URL: "http://127.0.0.1:" + strings.TrimSpace(port) + "/extract"})
	require.NoError(t, err)
	requireClaims(t, store, run, records.RunnerSettings{Kind: records.RunnerHTTP, HTTP: &pinned})
}
