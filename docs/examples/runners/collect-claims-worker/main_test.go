package main

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/activity"
	sdk "go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"

	"github.com/initkoa/orgo/activities/runner"
	"github.com/initkoa/orgo/client"
	"github.com/initkoa/orgo/records"
)

// server keeps artifacts in memory, behind the two calls that the worker makes.
type server struct {
	mu      sync.Mutex
	content map[string][]byte // by "sha256:<hex>"
}

func (s *server) put(mediaType string, content []byte) records.Ref {
	sum := sha256.Sum256(content)
	ref := records.Ref{
		Digest:    records.Digest{Alg: records.SHA256, Value: hex.EncodeToString(sum[:])},
		MediaType: mediaType, Size: int64(len(content)),
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.content[ref.Digest.String()] = content
	return ref
}

func (s *server) get(digest string) []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.content[digest]
}

func (s *server) start(t *testing.T) *client.Client {
	t.Helper()
	mux := http.NewServeMux()
	mux.HandleFunc("PUT /v1/artifacts", func(w http.ResponseWriter, r *http.Request) {
		content, err := io.ReadAll(r.Body)
		if err == nil {
			err = json.NewEncoder(w).Encode(s.put(r.Header.Get("Content-Type"), content))
		}
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
		}
	})
	mux.HandleFunc("GET /v1/artifacts/{digest}", func(w http.ResponseWriter, r *http.Request) {
		_, _ = w.Write(s.get(r.PathValue("digest"))) // what a client misses shows in its digest
	})
	served := httptest.NewServer(mux)
	t.Cleanup(served.Close)
	orgo, err := client.New(client.Options{URL: served.URL, Token: "test"})
	require.NoError(t, err)
	return orgo
}

func (s *server) snapshot(t *testing.T, files ...[2]string) runner.Request {
	t.Helper()
	manifest := records.Snapshot{Kind: records.SnapshotKind, SchemaVersion: records.SnapshotVersion}
	for _, file := range files {
		ref := s.put(records.MediaJSONLines, []byte(file[1]))
		manifest.Files = append(manifest.Files, records.SnapshotFile{Path: file[0], Digest: ref.Digest, Size: ref.Size})
	}
	content, err := json.Marshal(manifest)
	require.NoError(t, err)
	return runner.Request{
		Stage: records.Extract, Config: json.RawMessage("{}"),
		Inputs: []records.Artifact{{Name: records.OutSnapshot, Ref: s.put(records.MediaJSON, content)}},
	}
}

func TestCollect(t *testing.T) {
	t.Parallel()
	s := &server{content: map[string][]byte{}}
	var suite testsuite.WorkflowTestSuite
	environment := suite.NewTestActivityEnvironment()
	environment.RegisterActivityWithOptions(collector{s.start(t)}.collect, activity.RegisterOptions{Name: activityName})

	value, err := environment.ExecuteActivity(activityName, s.snapshot(t,
		[2]string{"data/a.claims.jsonl", "{\"n\":1}\n"}, [2]string{"data/b.md", "text"}, [2]string{"data/c.claims.jsonl", "{\"n\":2}\n"},
	))
	require.NoError(t, err)
	var result runner.Result
	require.NoError(t, value.Get(&result))
	require.Len(t, result.Outputs, 1)
	require.Equal(t, records.OutClaims, result.Outputs[0].Name)
	require.Equal(t, "{\"n\":1}\n{\"n\":2}\n", string(s.get(result.Outputs[0].Ref.Digest.String())))

	_, err = environment.ExecuteActivity(activityName, s.snapshot(t, [2]string{"data/b.md", "text"}))
	var failure *sdk.ApplicationError
	require.ErrorAs(t, err, &failure)
	require.True(t, failure.NonRetryable())
}
