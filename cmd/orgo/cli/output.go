package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"text/tabwriter"
)

// How a command prints what it found.
const (
	formatTable = "table"
	formatJSON  = "json"
	formatYAML  = "yaml"
)

func knownFormat(format string) bool {
	switch format {
	case formatTable, formatJSON, formatYAML:
		return true
	default:
		return false
	}
}

// structured reports whether programs, not people, read the output.
func (a *app) structured() bool { return a.settings.Output != formatTable }

// print prints v as JSON or YAML, or calls table.
func (a *app) print(v any, table func(w io.Writer) error) error {
	return Print(a.streams.Out, a.settings.Output, v, table)
}

// Print prints v in a format: as JSON or YAML, or with table.
func Print(w io.Writer, format string, v any, table func(w io.Writer) error) error {
	switch {
	case !knownFormat(format):
		return Usage("output %q is not table, json or yaml", format)
	case format == formatTable:
		return table(w)
	default:
		return printTo(w, format, v)
	}
}

// printTo prints v as JSON or YAML.
func (a *app) printTo(w io.Writer, v any) error { return printTo(w, a.settings.Output, v) }

func printTo(w io.Writer, format string, v any) error {
	document, err := encode(v)
	if err != nil {
		return err
	}
	if format == formatYAML {
		if document, err = toYAML(document); err != nil {
			return err
		}
	}
	_, err = w.Write(document)
	return err
}

// encode returns v as indented JSON that ends with a line break.
func encode(v any) ([]byte, error) {
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(v); err != nil {
		return nil, fmt.Errorf("print as json: %w", err)
	}
	return out.Bytes(), nil
}

// columns prints rows in columns.
func columns(w io.Writer, rows [][]string) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, row := range rows {
		for i, cell := range row {
			if i > 0 {
				fmt.Fprint(table, "\t")
			}
			fmt.Fprint(table, cell)
		}
		fmt.Fprintln(table)
	}
	return table.Flush()
}

// writeJSONLine prints v as JSON on one line.
func writeJSONLine(w io.Writer, v any) error {
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	return encoder.Encode(v)
}
