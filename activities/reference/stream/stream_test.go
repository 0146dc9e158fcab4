package stream_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/initkoa/orgo/activities/reference/reftest"
	"github.com/initkoa/orgo/activities/reference/stream"
	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/records"
)

func read(bench *reftest.Bench, ctx context.Context, ref records.Ref) ([]string, error) {
	var lines []string
	for line, err := range stream.Lines(ctx, bench.Store, ref, gates.ClaimInvalid) {
		if err != nil {
			return lines, err
		}
		lines = append(lines, string(line.Bytes))
	}
	return lines, nil
}

func TestWriteThenRead(t *testing.T) {
	t.Parallel()
	bench := reftest.New(t)
	w := stream.Create(t.Context(), bench.Store, records.MediaJSONLines)
	defer w.Abort()
	for i := range 1000 {
		_, err := fmt.Fprintln(w, i)
		require.NoError(t, err)
	}
	ref, err := w.Commit()
	require.NoError(t, err)
	again, err := w.Commit()
	require.NoError(t, err)
	require.Equal(t, ref, again)
	lines, err := read(bench, t.Context(), ref)
	require.NoError(t, err)
	require.Len(t, lines, 1000)
}

func TestAbortStoresNothing(t *testing.T) {
	bench := reftest.New(t)
	// Not parallel: nothing else may run while goroutines are counted.
	running := goleak.IgnoreCurrent()
	w := stream.Create(t.Context(), bench.Store, records.MediaJSONLines)
	_, err := io.WriteString(w, "half")
	require.NoError(t, err)
	w.Abort()
	w.Abort()
	goleak.VerifyNone(t, running)
	_, err = read(bench, t.Context(), records.Ref{Digest: records.DigestOf([]byte("half")), Size: 4})
	reftest.RequireCode(t, err, gates.ArtifactMissing)
}

// brokenStore fails to store after some bytes.
type brokenStore struct{ *reftest.Bench }

var errFull = errors.New("disk is full")

func (brokenStore) Put(_ context.Context, _ string, r io.Reader) (records.Ref, error) {
	_, err := io.CopyN(io.Discard, r, 10)
	return records.Ref{}, errors.Join(errFull, err)
}

func (s brokenStore) Open(ctx context.Context, ref records.Ref) (io.ReadCloser, error) {
	return s.Store.Open(ctx, ref)
}

func TestFailureOfTheStore(t *testing.T) {
	t.Parallel()
	w := stream.Create(t.Context(), brokenStore{reftest.New(t)}, records.MediaJSON)
	defer w.Abort()
	_, err := io.WriteString(w, strings.Repeat("x", 1<<20))
	require.Error(t, err, "a writer does not wait for a reader that is gone")
	_, err = w.Commit()
	require.ErrorIs(t, err, errFull)
}

func TestChangedContentIsNotTakenForWhatItWas(t *testing.T) {
	t.Parallel()
	bench := reftest.New(t)
	ref := bench.Put(t, "x", "a\nb\n").Ref
	ref.Size++
	_, err := read(bench, t.Context(), ref)
	reftest.RequireCode(t, err, gates.DigestMismatch)
}

func TestCancelled(t *testing.T) {
	t.Parallel()
	bench := reftest.New(t)
	ref := bench.Put(t, "x", strings.Repeat("a\n", 100_000)).Ref
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := read(bench, ctx, ref)
	require.ErrorIs(t, err, context.Canceled)
}
