package gates

// FactDoc describes a fact that an expression may read.
type FactDoc struct {
	Gate Gate   `json:"gate,omitempty"` // empty: of every gate
	Name string `json:"name"`
	Type string `json:"type"` // as the Common Expression Language writes it
	Doc  string `json:"doc"`
}

// Facts returns the facts of all gates, those of every gate first. The caller owns
// the slice.
func Facts() []FactDoc {
	var docs []FactDoc
	for _, f := range contextFacts {
		docs = append(docs, FactDoc{"", f.name, string(f.kind), f.doc})
	}
	for _, spec := range gateTable {
		for _, f := range spec.facts {
			docs = append(docs, FactDoc{spec.gate, f.name, string(f.kind), f.doc})
		}
	}
	return docs
}
