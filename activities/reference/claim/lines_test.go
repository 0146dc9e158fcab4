package claim_test

import (
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"

	"github.com/initkoa/orgo/activities/reference/claim"
)

type seenLine struct {
	number, offset int64
	text           string
}

func readLines(r io.Reader, maxBytes int) ([]seenLine, error) {
	var seen []seenLine
	for line, err := range claim.Lines(r, maxBytes) {
		if err != nil {
			return seen, err
		}
		seen = append(seen, seenLine{line.Number, line.Offset, string(line.Bytes)})
	}
	return seen, nil
}

func TestLines(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 200_000) // more than the read buffer
	for name, tc := range map[string]struct {
		text string
		want []seenLine
	}{
		"nothing":        {"", nil},
		"one":            {"a\n", []seenLine{{1, 0, "a"}}},
		"no end":         {"a\nb", []seenLine{{1, 0, "a"}, {2, 2, "b"}}},
		"carriage":       {"a\r\nb\r\n", []seenLine{{1, 0, "a"}, {2, 3, "b"}}},
		"blank":          {"\n\na\n", []seenLine{{1, 0, ""}, {2, 1, ""}, {3, 2, "a"}}},
		"beyond buffer":  {long + "\nb\n", []seenLine{{1, 0, long}, {2, 200_001, "b"}}},
		"exactly at max": {strings.Repeat("y", 200_001) + "\r\n", []seenLine{{1, 0, strings.Repeat("y", 200_001)}}},
	} {
		seen, err := readLines(strings.NewReader(tc.text), 200_001)
		require.NoError(t, err, name)
		require.Equal(t, tc.want, seen, name)
		seen, err = readLines(iotest.OneByteReader(strings.NewReader(tc.text)), 200_001)
		require.NoError(t, err, name)
		require.Equal(t, tc.want, seen, name)
	}
}

func TestLinesRefusesALongLine(t *testing.T) {
	t.Parallel()
	for _, size := range []int{11, 1_000_000} {
		seen, err := readLines(strings.NewReader("short\n"+strings.Repeat("x", size)+"\nafter\n"), 10)
		var at *claim.LineError
		require.ErrorAs(t, err, &at)
		require.ErrorIs(t, err, claim.ErrLineTooLong)
		require.EqualValues(t, 2, at.Line)
		require.Len(t, seen, 1)
	}
}

func TestLinesPassesOnReadErrors(t *testing.T) {
	t.Parallel()
	broken := errors.New("disk on fire")
	_, err := readLines(io.MultiReader(strings.NewReader("a\nb"), iotest.ErrReader(broken)), 10)
	require.ErrorIs(t, err, broken)
}

func TestWriterWritesWhatLinesReads(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	w := claim.NewWriter(&out)
	require.NoError(t, w.Write(claim.Document{
		SchemaVersion: claim.SchemaVersion, Subject: claim.Entity{QID: "Q1"}, Claims: []claim.Claim{},
	}))
	require.NoError(t, w.WriteCanonical([]byte(`{"a":1}`)))
	seen, err := readLines(strings.NewReader(out.String()), claim.MaxLineBytes)
	require.NoError(t, err)
	require.Equal(t, []string{`{"claims":[],"schema_version":"3.0","subject":{"qid":"Q1"}}`, `{"a":1}`}, []string{seen[0].text, seen[1].text})
	require.True(t, strings.HasSuffix(out.String(), "\n"))
}
