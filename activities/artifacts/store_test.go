package artifacts_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"

	"github.com/initkoa/orgo/activities/artifacts"
	"github.com/initkoa/orgo/activities/runner"
	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/records"
)

// bench is a store in a directory of its own.
type bench struct {
	dir   string
	store *artifacts.Store
}

func setup(t testing.TB) bench {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "made", "on", "demand")
	store, err := artifacts.Open(t.Context(), "file://"+dir)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, store.Close()) })
	return bench{dir, store}
}

// path is where the object of d must be; the layout is part of the promise.
func (b bench) path(d records.Digest) string {
	return filepath.Join(b.dir, "sha256", d.Value[:2], d.Value)
}

func (b bench) tamper(t testing.TB, d records.Digest, change func([]byte) []byte) {
	t.Helper()
	content, err := os.ReadFile(b.path(d))
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(b.path(d), change(content), 0o600))
}

func requireCode(t testing.TB, want gates.Code, err error) {
	t.Helper()
	var failure *runner.Failure
	require.ErrorAs(t, err, &failure)
	require.Equal(t, want, failure.Code, "%v", err)
}

func random(t testing.TB, size int) []byte {
	t.Helper()
	content := make([]byte, size)
	_, err := rand.Read(content)
	require.NoError(t, err)
	return content
}

var sizes = map[string]int{
	"empty":           0,
	"small":           2000,
	"most in memory":  1 << 20,
	"least in a file": 1<<20 + 1,
	"two megabytes":   2<<20 + 7,
}

func TestContentComesBackUnderItsDigest(t *testing.T) {
	t.Parallel()
	for name, size := range sizes {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b, content := setup(t), random(t, size)

			// One byte at a time must not make a difference, nor a second Put.
			for _, source := range []io.Reader{bytes.NewReader(content), iotest.HalfReader(bytes.NewReader(content))} {
				ref, err := b.store.Put(t.Context(), "text/plain", source)
				require.NoError(t, err)
				require.Equal(t, records.Ref{Digest: records.DigestOf(content), MediaType: "text/plain", Size: int64(size)}, ref)
				stored, err := os.ReadFile(b.path(ref.Digest))
				require.NoError(t, err)
				require.True(t, bytes.Equal(content, stored))

				r, err := b.store.Open(t.Context(), ref)
				require.NoError(t, err)
				read, err := io.ReadAll(r)
				require.NoError(t, err)
				require.NoError(t, r.Close())
				require.True(t, bytes.Equal(content, read))
				read, err = b.store.ReadAll(t.Context(), ref, int64(size))
				require.NoError(t, err)
				require.True(t, bytes.Equal(content, read))
			}
			again, err := b.store.PutBytes(t.Context(), "other/type", content)
			require.NoError(t, err)
			require.True(t, again.Same(records.Ref{Digest: records.DigestOf(content)}))
		})
	}
}

// The planted fault is a changed object; every way of reading it must refuse, and
// Put must neither trust it nor repair it in silence.
func TestChangedObjectIsRefused(t *testing.T) {
	t.Parallel()
	flip := func(at func(size int) int) func([]byte) []byte {
		return func(content []byte) []byte {
			content[at(len(content))] ^= 1
			return content
		}
	}
	changes := map[string]func([]byte) []byte{
		"first byte":    flip(func(int) int { return 0 }),
		"middle byte":   flip(func(size int) int { return size / 2 }),
		"last byte":     flip(func(size int) int { return size - 1 }),
		"truncated":     func(content []byte) []byte { return content[:len(content)-1] },
		"emptied":       func([]byte) []byte { return nil },
		"appended byte": func(content []byte) []byte { return append(content, 0) },
	}
	for name, change := range changes {
		for sizeName, size := range sizes {
			if size == 0 {
				continue
			}
			t.Run(name+"/"+sizeName, func(t *testing.T) {
				t.Parallel()
				b, content := setup(t), random(t, size)
				ref, err := b.store.PutBytes(t.Context(), "text/plain", content)
				require.NoError(t, err)
				require.NoError(t, b.store.Verify(t.Context(), ref))
				b.tamper(t, ref.Digest, change)
				changed, err := os.ReadFile(b.path(ref.Digest))
				require.NoError(t, err)

				requireCode(t, gates.DigestMismatch, b.store.Verify(t.Context(), ref))
				_, err = b.store.ReadAll(t.Context(), ref, ref.Size)
				requireCode(t, gates.DigestMismatch, err)
				r, err := b.store.Open(t.Context(), ref)
				require.NoError(t, err)
				_, err = io.ReadAll(r)
				requireCode(t, gates.DigestMismatch, err)
				_, err = r.Read(make([]byte, 1))
				requireCode(t, gates.DigestMismatch, err)
				require.NoError(t, r.Close())
				_, err = b.store.PutBytes(t.Context(), "text/plain", content)
				requireCode(t, gates.DigestMismatch, err)
				_, err = b.store.Put(t.Context(), "text/plain", bytes.NewReader(content))
				requireCode(t, gates.DigestMismatch, err)

				after, err := os.ReadFile(b.path(ref.Digest))
				require.NoError(t, err)
				require.True(t, bytes.Equal(changed, after), "the evidence was overwritten")
			})
		}
	}
}

func TestWrongReferences(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ref, err := b.store.PutBytes(t.Context(), "text/plain", []byte("content"))
	require.NoError(t, err)

	longer, shorter := ref, ref
	longer.Size++
	shorter.Size--
	absent := records.Ref{Digest: records.DigestOf([]byte("never stored")), Size: 12}
	outside := records.Ref{Digest: records.Digest{Alg: records.SHA256, Value: strings.Repeat("../", 22)[:64]}}
	tests := map[string]struct {
		ref  records.Ref
		code gates.Code
	}{
		"size too large":        {longer, gates.DigestMismatch},
		"size too small":        {shorter, gates.DigestMismatch},
		"absent":                {absent, gates.ArtifactMissing},
		"zero":                  {records.Ref{}, gates.PinFloating},
		"digest that is a path": {outside, gates.PinFloating},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			requireCode(t, test.code, b.store.Verify(t.Context(), test.ref))
			_, err := b.store.ReadAll(t.Context(), test.ref, 100)
			requireCode(t, test.code, err)
		})
	}
}

func TestReadAllHoldsItsLimit(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ref, err := b.store.PutBytes(t.Context(), "text/plain", []byte("12345"))
	require.NoError(t, err)
	_, err = b.store.ReadAll(t.Context(), ref, 4)
	requireCode(t, gates.InputTooLarge, err)

	// A reference that plays down the size must not get around the limit.
	ref.Size = 1
	_, err = b.store.ReadAll(t.Context(), ref, 4)
	requireCode(t, gates.DigestMismatch, err)
}

func TestManyWritersOfOneContent(t *testing.T) {
	t.Parallel()
	for name, size := range sizes {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b, content := setup(t), random(t, size)
			// Two stores on one directory stand for two worker processes.
			other, err := artifacts.Open(t.Context(), "file://"+b.dir)
			require.NoError(t, err)
			defer other.Close()

			var writers sync.WaitGroup
			errs := make([]error, 16)
			for i := range errs {
				store := b.store
				if i%2 == 1 {
					store = other
				}
				writers.Go(func() {
					_, errs[i] = store.Put(t.Context(), "text/plain", bytes.NewReader(content))
				})
			}
			writers.Wait()
			require.NoError(t, errors.Join(errs...))
			require.NoError(t, b.store.Verify(t.Context(), records.Ref{Digest: records.DigestOf(content), Size: int64(size)}))
			require.Equal(t, []string{records.DigestOf(content).Value}, b.files(t))
		})
	}
}

// files returns the names of all files in the store's directory.
func (b bench) files(t testing.TB) []string {
	t.Helper()
	var names []string
	require.NoError(t, filepath.WalkDir(b.dir, func(_ string, entry os.DirEntry, err error) error {
		if err == nil && !entry.IsDir() {
			names = append(names, entry.Name())
		}
		return err
	}))
	return names
}

func TestFailedPutLeavesNothing(t *testing.T) {
	t.Parallel()
	for name, size := range map[string]int{"in memory": 100, "in a file": 3 << 20} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			broken := errors.New("source broke")
			_, err := b.store.Put(t.Context(), "text/plain", io.MultiReader(bytes.NewReader(make([]byte, size)), iotest.ErrReader(broken)))
			require.ErrorIs(t, err, broken)
			require.Empty(t, b.files(t))

			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			_, err = b.store.Put(ctx, "text/plain", bytes.NewReader(make([]byte, size)))
			require.ErrorIs(t, err, context.Canceled)
			require.Empty(t, b.files(t))
		})
	}
}

// A killed worker leaves a half-written neighbour of the object. It must neither
// be taken for the object nor be in the way of it.
func TestLeftoversOfACrashAreHarmless(t *testing.T) {
	t.Parallel()
	b := setup(t)
	content := []byte("whole content")
	final := b.path(records.DigestOf(content))
	require.NoError(t, os.MkdirAll(filepath.Dir(final), 0o750))
	require.NoError(t, os.WriteFile(final+".18f0.tmp", content[:4], 0o600))

	ref := records.Ref{Digest: records.DigestOf(content), Size: int64(len(content))}
	requireCode(t, gates.ArtifactMissing, b.store.Verify(t.Context(), ref))
	_, err := b.store.PutBytes(t.Context(), "text/plain", content)
	require.NoError(t, err)
	require.NoError(t, b.store.Verify(t.Context(), ref))
}

func TestOpenRefusesWhatItCannotKeep(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	for storeURL, says := range map[string]string{
		"s3://bucket":                 `no driver for scheme "s3" is linked into this program; linked are file, mem`,
		"s3://user:secret@bucket":     "user:xxxxx@bucket",
		"relative/dir":                `no driver for scheme ""`,
		"file://./relative":           "file:///absolute/directory",
		"file://elsewhere/dir":        "file:///absolute/directory",
		"file:///tmp/x?metadata=keep": "file:///absolute/directory",
		"file://" + file:              "not a directory",
		"http://%zz":                  "not a url",
	} {
		_, err := artifacts.Open(t.Context(), storeURL)
		require.ErrorContains(t, err, says, storeURL)
		require.NotContains(t, err.Error(), "secret")
	}
}

func TestMemoryStore(t *testing.T) {
	t.Parallel()
	store, err := artifacts.Open(t.Context(), "mem://")
	require.NoError(t, err)
	defer store.Close()
	for range 2 {
		ref, err := store.Put(t.Context(), "text/plain", strings.NewReader("content"))
		require.NoError(t, err)
		require.NoError(t, store.Verify(t.Context(), ref))
	}
}
