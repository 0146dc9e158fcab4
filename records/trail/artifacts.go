package trail

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/records/event"
)

// Named is an artifact that entries name: content by digest. Whether it is still in the
// artifact store is another question.
type Named struct {
	records.Ref
	// Name and Path are those under which it was first named; without any, Name is the
	// member of the entry's body.
	Name string `json:"name"`
	Path string `json:"path,omitempty"`
	// Sequence and Type are those of the entry that named it first, Stage the stage of the
	// build that it is about, and Mentions how many entries name it.
	Sequence int64  `json:"sequence"`
	Type     string `json:"type"`
	Stage    string `json:"stage,omitempty"`
	Mentions int    `json:"mentions"`
}

// Artifacts returns every artifact that entries name, each once, in the order in which
// they were named.
func Artifacts(entries []event.Entry) ([]Named, error) {
	found := []Named{}
	at := map[records.Digest]int{}
	for _, e := range entries {
		var body any
		if err := json.Unmarshal(e.Body, &body); err != nil {
			return nil, fmt.Errorf("entry %s: %w", e.ID, err)
		}
		here := map[records.Digest]bool{}
		walk(body, "", "", func(ref records.Ref, name, path string) {
			i, known := at[ref.Digest]
			if !known {
				i = len(found)
				at[ref.Digest] = i
				found = append(found, Named{Ref: ref, Name: name, Path: path, Sequence: e.Sequence, Type: e.Type, Stage: string(e.Correlation.Stage)})
			}
			if !here[ref.Digest] {
				here[ref.Digest] = true
				found[i].Mentions++
			}
		})
	}
	return found, nil
}

// walk calls back for every reference in a document, members by name, with the name that
// stands nearest to it.
func walk(value any, name, path string, on func(ref records.Ref, name, path string)) {
	switch value := value.(type) {
	case []any:
		for _, element := range value {
			walk(element, name, path, on)
		}
	case map[string]any:
		if ref, is := refOf(value); is {
			on(ref, name, path)
			return
		}
		own, _ := value["name"].(string)
		file, _ := value["path"].(string)
		for _, member := range slices.Sorted(maps.Keys(value)) {
			of, at := member, file
			if member == "ref" && own != "" {
				of = own
			}
			walk(value[member], of, at, on)
		}
	}
}

// refOf reads an object that is a reference: a digest, a size, and what else one has.
func refOf(object map[string]any) (records.Ref, bool) {
	if _, sized := object["size"]; !sized {
		return records.Ref{}, false
	}
	for member := range object {
		if !slices.Contains([]string{"alg", "value", "uri", "media_type", "size"}, member) {
			return records.Ref{}, false
		}
	}
	text, err := json.Marshal(object)
	if err != nil {
		return records.Ref{}, false
	}
	var ref records.Ref
	if json.Unmarshal(text, &ref) != nil || !ref.Valid() {
		return records.Ref{}, false
	}
	return ref, true
}
