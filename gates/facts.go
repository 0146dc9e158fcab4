package gates

import "slices"

// factType is the type that a fact has in an expression.
type factType string

const (
	intFact     factType = "int"
	stringFact  factType = "string"
	stringsFact factType = "list(string)"
	countsFact  factType = "map(string, int)"
)

// fact is one thing that an expression may know of a gate's evidence.
type fact struct {
	name string
	kind factType
	doc  string
	// of returns the fact, or nil if the evidence does not hold it. An int is an
	// int64, a list is sorted.
	of func(Context, any) any
}

// factOf is a fact of evidence of type E.
type factOf[E any] struct {
	name string
	kind factType
	doc  string
	of   func(Context, E) any
}

func (f factOf[E]) erased() fact {
	return fact{f.name, f.kind, f.doc, func(c Context, evidence any) any { return there(f.of(c, evidence.(E))) }}
}

// there makes of a fact that says nothing one that is absent.
func there(value any) any {
	switch v := value.(type) {
	case string:
		if v == "" {
			return nil
		}
	case int64:
		if v < 0 {
			return nil
		}
	case []string:
		if len(v) == 0 {
			return nil
		}
	}
	return value
}

// ifThere reads a fact from evidence that may be absent.
func ifThere[E any](evidence *E, read func(E) any) any {
	if evidence == nil {
		return nil
	}
	return read(*evidence)
}

// contextFacts are facts of every gate. They are no evidence.
var contextFacts = []fact{
	{"stage", stringFact, "the stage that the decision is about", func(c Context, _ any) any { return there(string(c.Subject.Stage)) }},
	{"generation", intFact, "1, or more after retries", func(c Context, _ any) any { return int64(c.Subject.Generation) }},
}

var outputFacts = []factOf[Evidence]{
	{"outputs", intFact, "how many outputs the stage yielded", func(_ Context, e Evidence) any { return complete(e, int64(len(e.Outputs))) }},
	{"output_names", stringsFact, "their names, sorted", func(_ Context, e Evidence) any {
		return complete(e, distinctOf(e, func(o OutputEvidence) string { return o.Artifact.Name }))
	}},
	{"media_types", stringsFact, "their media types, sorted", func(_ Context, e Evidence) any {
		return complete(e, distinctOf(e, func(o OutputEvidence) string { return o.Artifact.Ref.MediaType }))
	}},
	{"total_bytes", intFact, "their size in bytes, in all", func(_ Context, e Evidence) any {
		total := int64(0)
		for _, output := range e.Outputs {
			total += output.Read
		}
		return complete(e, total)
	}},
	{"largest_bytes", intFact, "the size of the largest, in bytes", func(_ Context, e Evidence) any {
		largest := int64(-1)
		for _, output := range e.Outputs {
			largest = max(largest, output.Read)
		}
		return complete(e, largest)
	}},
}

var contractFacts = []factOf[Evidence]{
	{"documents", intFact, "documents that were checked against a schema", func(_ Context, e Evidence) any {
		documents := int64(0)
		for _, output := range e.Outputs {
			documents += output.Documents
		}
		return complete(e, documents)
	}},
	{"contract_set", stringFact, "the contract set, as sha256:…", func(_ Context, e Evidence) any {
		if !e.Contracts.Valid() {
			return nil
		}
		return e.Contracts.String()
	}},
}

var validationFacts = []factOf[ValidationInputs]{
	{"status", stringFact, "passed, partial or failed", func(_ Context, in ValidationInputs) any {
		return ifThere(in.Report, func(r ReportEvidence) any { return wellFormed(r, string(r.Status)) })
	}},
	{"issues", intFact, "how many issues the report has", func(_ Context, in ValidationInputs) any {
		return ifThere(in.Report, func(r ReportEvidence) any { return wellFormed(r, max(r.BySeverity, r.ByCode)) })
	}},
	{"codes", countsFact, "issues by code; codes.count(\"X\") is 0 if there is none", func(_ Context, in ValidationInputs) any {
		return ifThere(in.Report, func(r ReportEvidence) any { return wellFormed(r, r.Codes) })
	}},
	{"severities", countsFact, "issues by severity; severities.count(\"ERROR\") is 0 if there is none", func(_ Context, in ValidationInputs) any {
		return ifThere(in.Report, func(r ReportEvidence) any { return wellFormed(r, r.Severities) })
	}},
}

// complete returns a fact of evidence that lacks nothing.
func complete(e Evidence, value any) any {
	if e.Declared != len(e.Outputs) || len(e.Outputs) == 0 {
		return nil
	}
	return value
}

func wellFormed(r ReportEvidence, value any) any {
	if miscounted(r) != "" {
		return nil
	}
	return value
}

func distinctOf(e Evidence, of func(OutputEvidence) string) []string {
	values := make([]string, 0, len(e.Outputs))
	for _, output := range e.Outputs {
		values = append(values, of(output))
	}
	slices.Sort(values)
	return slices.Compact(values)
}
