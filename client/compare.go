package client

import (
	"slices"
	"strings"

	"github.com/initkoa/orgo/records"
)

// Difference is one output in which two builds differ. A nil digest says that
// the build did not yield the output at all.
type Difference struct {
	Stage    records.Stage   `json:"stage"`
	Name     string          `json:"name"`
	Path     string          `json:"path,omitempty"`
	Original *records.Digest `json:"original"`
	Again    *records.Digest `json:"again"`
}

// Comparison is what comparing the outputs of two builds found.
type Comparison struct {
	// Stages and Outputs count what was compared.
	Stages      int          `json:"stages"`
	Outputs     int          `json:"outputs"`
	Differences []Difference `json:"differences"` // in spine order, then by name and path
}

// Identical reports whether there was something to compare and all of it was
// the same.
func (c Comparison) Identical() bool { return c.Outputs > 0 && len(c.Differences) == 0 }

// Compare compares every output that either build has, stage by stage.
func Compare(original, again records.BuildView) Comparison {
	comparison := Comparison{Differences: []Difference{}}
	for _, spec := range records.BuildSpine() {
		before, after := outputs(original, spec.Stage), outputs(again, spec.Stage)
		names := keysOf(before, after)
		if len(names) == 0 {
			continue
		}
		comparison.Stages++
		comparison.Outputs += len(names)
		for _, name := range names {
			was, is := before[name], after[name]
			if was != nil && is != nil && *was == *is {
				continue
			}
			comparison.Differences = append(comparison.Differences,
				Difference{Stage: spec.Stage, Name: name.name, Path: name.path, Original: was, Again: is})
		}
	}
	return comparison
}

type outputName struct{ name, path string }

func outputs(view records.BuildView, stage records.Stage) map[outputName]*records.Digest {
	found := map[outputName]*records.Digest{}
	if step := view.Step(stage); step != nil {
		for _, output := range step.Outputs {
			found[outputName{output.Name, output.Path}] = &output.Ref.Digest
		}
	}
	return found
}

// keysOf returns the distinct names in both maps, sorted.
func keysOf(a, b map[outputName]*records.Digest) []outputName {
	names := make([]outputName, 0, len(a))
	for name := range a {
		names = append(names, name)
	}
	for name := range b {
		if _, known := a[name]; !known {
			names = append(names, name)
		}
	}
	slices.SortFunc(names, func(x, y outputName) int {
		if order := strings.Compare(x.name, y.name); order != 0 {
			return order
		}
		return strings.Compare(x.path, y.path)
	})
	return names
}
