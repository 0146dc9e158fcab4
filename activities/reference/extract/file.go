package extract

import (
	"context"
	"io"

	"github.com/initkoa/orgo/activities/runner"
	"github.com/initkoa/orgo/records"
)

// file is one reading of one file.
type file struct {
	records.SnapshotFile
	store   runner.ArtifactStore
	mapping *mapping
	limits  Limits
	builder *builder
	out     io.Writer
	line    []byte // scratch

	tally   tally
	leftOut []excludedRecord
}

func newFile(x *extraction, f records.SnapshotFile, m *mapping, out io.Writer) *file {
	if m != nil {
		m.used = true
	}
	return &file{
		SnapshotFile: f, store: x.store, mapping: m, limits: x.settings.limits,
		builder: newBuilder(f, m), out: out,
	}
}

// format reads a file and emits its records. tell is told how many bytes of it
// were read; it may be nil.
type format func(ctx context.Context, f *file, tell func(int)) error

// formatsByName are the formats as mappings name them.
var formatsByName = map[string]format{
	"csv":      readCSV(','),
	"tsv":      readCSV('\t'),
	"json":     readJSON,
	"jsonl":    readJSONLines,
	"markdown": readMarkdown,
}

// formatNames says which format each media type has.
var formatNames = map[string]string{
	"text/csv":                  "csv",
	"text/tab-separated-values": "tsv",
	records.MediaJSON:           "json",
	"application/geo+json":      "json",
	"application/ld+json":       "json",
	records.MediaJSONLines:      "jsonl",
	"text/markdown":             "markdown",
}

// formatOf returns the name of a file's format, and whether it is known.
func formatOf(f records.SnapshotFile, m *mapping) (name string, known bool) {
	if m != nil && m.Format != "" {
		return m.Format, true
	}
	name, known = formatNames[f.MediaType]
	return name, known
}

// fits returns a problem if the mapping says what means nothing in a format.
func (m *mapping) fits(name string) error {
	switch {
	case m == nil:
		return nil
	case m.pointer != nil && name != "json":
		return misfit(position{}, "the mapping has a JSON Pointer to records, but the file is read as %s", name)
	case m.comma != 0 && name != "csv" && name != "tsv":
		return misfit(position{}, "the mapping has a delimiter, but the file is read as %s", name)
	default:
		return nil
	}
}

// pass opens the file, has it parsed, and reads it to its end. An error of the
// store comes before any that parsing found.
func (f *file) pass(ctx context.Context, tell func(int), parse func(*source) error) error {
	src, err := open(ctx, f.store, f.Ref(), f.limits.RecordBytes, tell)
	if err != nil {
		return err
	}
	parseErr := parse(src)
	if err := src.finish(); err != nil {
		return err
	}
	return parseErr
}

// checkValue holds one value to the limit.
func (f *file) checkValue(text string, at position) error {
	if len(text) > f.limits.ValueBytes {
		return tooLarge(at, "a value has %d bytes, more than limits.value_bytes, %d", len(text), f.limits.ValueBytes)
	}
	return nil
}
