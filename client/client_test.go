package client_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/initkoa/orgo/client"
	"github.com/initkoa/orgo/records"
)

// flaky is a server that breaks the connection a number of times before it
// answers, and keeps the keys and bodies it saw.
type flaky struct {
	mu     sync.Mutex
	breaks int
	status int // instead of an answer, once broken enough
	keys   []string
	bodies []string
}

func (f *flaky) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	f.mu.Lock()
	defer f.mu.Unlock()
	f.keys = append(f.keys, r.Header.Get("Idempotency-Key"))
	f.bodies = append(f.bodies, string(body))
	if f.breaks > 0 {
		f.breaks--
		if f.status != 0 {
			w.WriteHeader(f.status)
			return
		}
		panic(http.ErrAbortHandler)
	}
	if r.Method == http.MethodPut {
		_ = json.NewEncoder(w).Encode(records.Ref{Digest: records.DigestOf(body), Size: int64(len(body))})
		return
	}
	fmt.Fprint(w, `{"build_id":"b","state":"PENDING"}`)
}

// seen returns the keys and bodies of the calls so far.
func (f *flaky) seen() (keys, bodies []string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.keys, f.bodies
}

func serve(t *testing.T, handler http.Handler) *client.Client {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	c, err := client.New(client.Options{URL: server.URL, Token: "t"})
	require.NoError(t, err)
	return c
}

func TestStartIsRepeatedUnderOneKey(t *testing.T) {
	t.Parallel()
	for name, status := range map[string]int{"broken connection": 0, "bad gateway": 502, "unavailable": 503} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := &flaky{breaks: 2, status: status}
			view, err := serve(t, server).Start(t.Context(), client.StartBuild{}, "")
			require.NoError(t, err)
			require.Equal(t, "b", view.BuildID)
			keys, bodies := server.seen()
			require.Len(t, keys, 3)
			require.NotEmpty(t, keys[0])
			require.Equal(t, []string{keys[0], keys[0], keys[0]}, keys)
			require.Equal(t, bodies[0], bodies[2])
		})
	}
}

func TestWhatHasNoKeyIsNotRepeated(t *testing.T) {
	t.Parallel()
	server := &flaky{breaks: 1}
	_, err := serve(t, server).Stop(t.Context(), "b", client.StopBuild{Reason: "r"})
	var unreachable *client.UnreachableError
	require.True(t, errors.As(err, &unreachable), "got %v", err)
	keys, _ := server.seen()
	require.Len(t, keys, 1)
}

func TestUploadsAreRepeatedFromTheirStart(t *testing.T) {
	t.Parallel()
	server := &flaky{breaks: 1}
	ref, err := serve(t, server).PutArtifact(t.Context(), "text/plain", strings.NewReader("content"))
	require.NoError(t, err)
	require.Equal(t, records.DigestOf([]byte("content")), ref.Digest)

	// What cannot be rewound is sent once.
	server = &flaky{breaks: 1}
	_, err = serve(t, server).PutArtifact(t.Context(), "text/plain", io.MultiReader(strings.NewReader("content")))
	require.Error(t, err)
	keys, _ := server.seen()
	require.Len(t, keys, 1)
}

func TestUnreachableNamesTheServer(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.NotFoundHandler())
	server.Close()
	c, err := client.New(client.Options{URL: server.URL, Attempts: 1})
	require.NoError(t, err)
	_, err = c.Build(t.Context(), "b")
	require.ErrorContains(t, err, "no Orgo server answers at "+server.URL)
}

func TestProblems(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		body string
		code string
		text string
	}{
		"a problem": {`{"status":409,"reason_code":"INVALID_TRANSITION","detail":"build b is PASSED","errors":[{"location":"body.x","message":"is bad"}]}`,
			"INVALID_TRANSITION", "INVALID_TRANSITION: build b is PASSED; body.x: is bad"},
		"a proxy's page": {"<html>oops", "UNEXPECTED_ANSWER", "status 409"},
		"other json":     {`{"error":"no"}`, "UNEXPECTED_ANSWER", "status 409"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := serve(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(http.StatusConflict)
				fmt.Fprint(w, tc.body)
			}))
			_, err := c.Build(t.Context(), "b")
			var problem *client.Problem
			require.True(t, errors.As(err, &problem), "got %v", err)
			require.Equal(t, tc.code, problem.ReasonCode)
			require.ErrorContains(t, err, tc.text)
		})
	}
}

// The planted fault: a server that sends other content than was asked for.
func TestContentIsChecked(t *testing.T) {
	t.Parallel()
	c := serve(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "other content") }))
	reader, err := c.OpenArtifact(t.Context(), records.DigestOf([]byte("content")))
	require.NoError(t, err)
	defer reader.Close()
	_, err = io.ReadAll(reader)
	require.ErrorIs(t, err, client.ErrDigestMismatch)
}

func TestWatchSeesEachVersionOnceAndSurvivesARestart(t *testing.T) {
	t.Parallel()
	answers := []string{
		`{"build_id":"b","version":1,"state":"PENDING"}`,
		`{"build_id":"b","version":1,"state":"PENDING"}`, // a long poll without news
		"", // the server is killed
		`{"build_id":"b","version":4,"state":"RUNNING"}`,
		`{"build_id":"b","version":9,"state":"PASSED"}`,
	}
	var mu sync.Mutex
	var queries []string
	c := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		queries = append(queries, r.URL.Query().Get("after_version"))
		answer := answers[0]
		answers = answers[1:]
		if answer == "" {
			panic(http.ErrAbortHandler)
		}
		fmt.Fprint(w, answer)
	}))
	var versions []int64
	for view, err := range c.Watch(t.Context(), "b") {
		require.NoError(t, err)
		versions = append(versions, view.Version)
	}
	require.Equal(t, []int64{1, 4, 9}, versions)
	mu.Lock()
	defer mu.Unlock()
	require.Equal(t, []string{"", "1", "1", "1", "4"}, queries)
}

func TestWatchOfAnUnknownBuildEndsWithItsError(t *testing.T) {
	t.Parallel()
	c := serve(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusNotFound)
		fmt.Fprint(w, `{"status":404,"reason_code":"NOT_FOUND"}`)
	}))
	count := 0
	for _, err := range c.Watch(t.Context(), "b") {
		require.ErrorContains(t, err, "NOT_FOUND")
		count++
	}
	require.Equal(t, 1, count)
}

func TestURLs(t *testing.T) {
	t.Parallel()
	for _, bad := range []string{"", "localhost:7700", "/path", "ftp://host", "http://", "http://%zz"} {
		_, err := client.New(client.Options{URL: bad})
		require.ErrorContains(t, err, "orgo server url", "%q", bad)
	}
	paths := make(chan string, 1)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		paths <- r.URL.EscapedPath()
		fmt.Fprint(w, `{}`)
	}))
	t.Cleanup(server.Close)
	c, err := client.New(client.Options{URL: server.URL + "/under/"})
	require.NoError(t, err)
	_, err = c.Build(t.Context(), "../x?y")
	require.NoError(t, err)
	require.Equal(t, "/under/v1/builds/..%2Fx%3Fy", <-paths)
}

func TestDirectory(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	_, err := client.FromDirectory(dir)
	var none *client.NoServerError
	require.True(t, errors.As(err, &none))
	require.Equal(t, filepath.Join(dir, "client.json"), none.Looked)

	options := client.Options{URL: "http://127.0.0.1:7700", Token: "secret"}
	require.NoError(t, client.SaveDirectory(dir, options))
	got, err := client.FromDirectory(dir)
	require.NoError(t, err)
	require.Equal(t, options, got)
	info, err := os.Stat(none.Looked)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm(), "it holds a token")

	for _, bad := range []string{"{", "{}", `{"token":"t"}`} {
		require.NoError(t, os.WriteFile(none.Looked, []byte(bad), 0o600))
		_, err = client.FromDirectory(dir)
		require.ErrorContains(t, err, none.Looked, "%s", bad)
	}
}

func TestEnvironment(t *testing.T) {
	dir, data := t.TempDir(), t.TempDir()
	require.NoError(t, client.SaveDirectory(dir, client.Options{URL: "http://in-dir"}))
	require.NoError(t, client.SaveDirectory(data, client.Options{URL: "http://in-data"}))
	t.Setenv("ORGO_URL", "")
	t.Setenv("ORGO_DATA", data)
	options, err := client.FromEnvironment("")
	require.NoError(t, err)
	require.Equal(t, "http://in-data", options.URL)
	options, err = client.FromEnvironment(dir)
	require.NoError(t, err)
	require.Equal(t, "http://in-dir", options.URL)
	t.Setenv("ORGO_URL", "http://in-variable")
	t.Setenv("ORGO_TOKEN", "secret")
	options, err = client.FromEnvironment(dir)
	require.NoError(t, err)
	require.Equal(t, client.Options{URL: "http://in-variable", Token: "secret"}, options)
}
