package artifacts_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
)

func BenchmarkPut(b *testing.B) {
	for _, size := range []int{4 << 10, 1 << 20, 64 << 20} {
		b.Run(fmt.Sprintf("%dKiB", size>>10), func(b *testing.B) {
			s, content := setup(b), random(b, size)
			b.SetBytes(int64(size))
			for n := uint64(0); b.Loop(); n++ {
				binary.LittleEndian.PutUint64(content, n) // new content every time
				_, err := s.store.Put(b.Context(), "text/plain", bytes.NewReader(content))
				require.NoError(b, err)
			}
		})
	}
}

func BenchmarkVerify(b *testing.B) {
	for _, size := range []int{4 << 10, 1 << 20, 64 << 20} {
		b.Run(fmt.Sprintf("%dKiB", size>>10), func(b *testing.B) {
			s := setup(b)
			ref, err := s.store.PutBytes(b.Context(), "text/plain", random(b, size))
			require.NoError(b, err)
			b.SetBytes(int64(size))
			b.ReportAllocs()
			for b.Loop() {
				require.NoError(b, s.store.Verify(b.Context(), ref))
			}
		})
	}
}
