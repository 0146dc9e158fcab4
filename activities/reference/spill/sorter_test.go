package spill

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// collect reads everything that s yields.
func collect(t require.TestingT, s *Sorter) []Record {
	var records []Record
	for r, err := range s.Sorted(context.Background()) {
		require.NoError(t, err)
		records = append(records, Record{Key: bytes.Clone(r.Key), Value: bytes.Clone(r.Value)})
	}
	return records
}

func TestSortedIsTheTotalOrderWhateverTheMemory(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	rapid.Check(t, func(t *rapid.T) {
		small := rapid.SliceOfN(rapid.SampledFrom([]byte{0, 1, 'a', 255}), 0, 12)
		record := rapid.Custom(func(t *rapid.T) Record {
			return Record{Key: small.Draw(t, "key"), Value: small.Draw(t, "value")}
		})
		records := rapid.SliceOfN(record, 0, 300).Draw(t, "records")
		memory := rapid.SampledFrom([]int{1, 64, 1000, DefaultMemory}).Draw(t, "memory")

		sorter := New(dir, memory)
		for _, r := range records {
			require.NoError(t, sorter.Add(r.Key, r.Value))
		}
		want := slices.Clone(records)
		slices.SortFunc(want, compare)
		got := collect(t, sorter)
		require.Len(t, got, len(want))
		for i := range want {
			require.Zero(t, compare(want[i], got[i]), "record %d", i)
		}
		require.Len(t, collect(t, sorter), len(want), "a second reading")
		require.NoError(t, sorter.Close())
		require.NoError(t, sorter.Close())
	})
	requireEmpty(t, dir)
}

func TestMoreRunsThanAreMergedAtOnce(t *testing.T) {
	t.Parallel()
	sorter := New(t.TempDir(), 1) // every record is a run
	const records = 3*fanIn + 5
	for i := range records {
		require.NoError(t, sorter.Add(fmt.Appendf(nil, "%06d", (i*7919)%records), []byte("v")))
	}
	got := collect(t, sorter)
	require.Len(t, got, records)
	for i, r := range got {
		require.Equal(t, fmt.Sprintf("%06d", i), string(r.Key))
	}
	require.NoError(t, sorter.Close())
}

func TestNothingIsLeftBehind(t *testing.T) {
	t.Parallel()
	fill := func(t *testing.T, dir string) *Sorter {
		sorter := New(dir, 1)
		for i := range 100 {
			require.NoError(t, sorter.Add([]byte{byte(i)}, nil))
		}
		return sorter
	}
	t.Run("never read", func(t *testing.T) {
		t.Parallel()
		dir := t.TempDir()
		require.NoError(t, fill(t, dir).Close())
		requireEmpty(t, dir)
	})
	t.Run("reading abandoned", func(t *testing.T) {
		t.Parallel()
		dir := t.TempDir()
		sorter := fill(t, dir)
		for _, err := range sorter.Sorted(t.Context()) {
			require.NoError(t, err)
			break
		}
		require.NoError(t, sorter.Close())
		requireEmpty(t, dir)
	})
	t.Run("cancelled", func(t *testing.T) {
		t.Parallel()
		dir := t.TempDir()
		sorter := fill(t, dir)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		for _, err := range sorter.Sorted(ctx) {
			require.ErrorIs(t, err, context.Canceled)
		}
		require.NoError(t, sorter.Close())
		requireEmpty(t, dir)
	})
}

func TestTemporaryFileThatCannotBeMade(t *testing.T) {
	t.Parallel()
	sorter := New(t.TempDir()+"/absent", 1)
	require.NoError(t, sorter.Add([]byte("a"), nil))
	require.ErrorIs(t, sorter.Add([]byte("b"), nil), os.ErrNotExist)
	require.NoError(t, sorter.Close())
}

// A planted fault: a run that lost its end must not read as a shorter run.
func TestTruncatedRunIsAnError(t *testing.T) {
	t.Parallel()
	sorter := New(t.TempDir(), 1)
	for i := range 10 {
		require.NoError(t, sorter.Add([]byte{byte(i)}, bytes.Repeat([]byte("x"), 100)))
	}
	require.Len(t, collect(t, sorter), 10)
	require.NoError(t, sorter.file.file.Truncate(sorter.file.size-40))
	var last error
	for _, err := range sorter.Sorted(t.Context()) {
		last = err
	}
	require.Error(t, last)
	require.NoError(t, sorter.Close())
}

func requireEmpty(t *testing.T, dir string) {
	t.Helper()
	left, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Empty(t, left)
}

func BenchmarkSort(b *testing.B) {
	value := bytes.Repeat([]byte("v"), 300)
	for b.Loop() {
		sorter := New(b.TempDir(), 0)
		for i := range 1_000_000 {
			key := fmt.Appendf(nil, "%020d", (i*7919)%1_000_003)
			require.NoError(b, sorter.Add(key, value))
		}
		for _, err := range sorter.Sorted(b.Context()) {
			require.NoError(b, err)
		}
		require.NoError(b, sorter.Close())
	}
}
