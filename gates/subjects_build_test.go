package gates_test

import (
	"fmt"
	"slices"
	"strings"

	"pgregory.net/rapid"

	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/records"
)

func buildStages() []records.Stage {
	var stages []records.Stage
	for _, spec := range records.BuildSpine() {
		stages = append(stages, spec.Stage)
	}
	return stages
}

// pick draws an element of a list and returns its address, or nil if it is empty.
func pick[T any](t *rapid.T, list []T) *T {
	if len(list) == 0 {
		return nil
	}
	return &list[rapid.IntRange(0, len(list)-1).Draw(t, "element")]
}

// on makes of a fault of an element one of a list.
func on[E, T any](list func(*E) []T, apply func(*rapid.T, *T)) fault[E] {
	return fault[E]{apply: func(t *rapid.T, _ gates.Context, evidence *E) {
		if element := pick(t, list(evidence)); element != nil {
			apply(t, element)
		}
	}}
}

// in makes a fault of evidence.
func in[E any](apply func(*E)) fault[E] {
	return fault[E]{apply: func(_ *rapid.T, _ gates.Context, evidence *E) { apply(evidence) }}
}

func without[T any](list *[]T) func(*rapid.T) {
	return func(t *rapid.T) {
		if len(*list) > 0 {
			i := rapid.IntRange(0, len(*list)-1).Draw(t, "removed")
			*list = slices.Delete(slices.Clone(*list), i, i+1)
		}
	}
}

func labelOf(a records.Artifact) string { return strings.TrimSpace(a.Name + " " + a.Path) }

func soundEvidence(t *rapid.T, c gates.Context) gates.Evidence {
	evidence := good(c.Subject.Stage)
	spec, _ := records.BuildStage(c.Subject.Stage)
	for _, output := range spec.Outputs {
		for i := range rapid.IntRange(0, 2).Draw(t, "more") {
			if output.Many {
				a := artifact(output.Name, fmt.Sprintf("part %d", i), "application/octet-stream")
				a.Path = fmt.Sprintf("part%d", i)
				evidence.Outputs = append(evidence.Outputs, gates.OutputEvidence{Artifact: a, Found: a.Ref.Digest, Read: a.Ref.Size})
			}
		}
	}
	for i := range evidence.Outputs {
		output := &evidence.Outputs[i]
		sign(output, gates.SignatureEvidence{KeyID: "key-a", Valid: true})
		if output.Schema.Valid() {
			output.Documents = rapid.Int64Range(1, 9).Draw(t, "documents")
		}
	}
	evidence.Declared = len(evidence.Outputs)
	return evidence
}

func sign(o *gates.OutputEvidence, signatures ...gates.SignatureEvidence) {
	o.Signatures, o.Signed = signatures, len(signatures)
}

func outputsOf(e *gates.Evidence) []gates.OutputEvidence { return e.Outputs }

// lost takes away the evidence of an output that was declared, or that of one
// that never was.
func lost() []fault[gates.Evidence] {
	return []fault[gates.Evidence]{
		{apply: func(t *rapid.T, _ gates.Context, e *gates.Evidence) { without(&e.Outputs)(t) }},
		{apply: func(t *rapid.T, _ gates.Context, e *gates.Evidence) {
			before := len(e.Outputs)
			without(&e.Outputs)(t)
			e.Declared -= before - len(e.Outputs)
		}},
		{apply: func(t *rapid.T, _ gates.Context, e *gates.Evidence) {
			e.Declared += rapid.IntRange(0, 3).Draw(t, "declared")
		}},
		// An output that was never declared may never have been there.
		{honest: true, apply: func(t *rapid.T, _ gates.Context, e *gates.Evidence) {
			e.Declared -= rapid.IntRange(0, 2).Draw(t, "declared")
		}},
		in(func(e *gates.Evidence) {
			extra := gates.OutputEvidence{Artifact: artifact("extra", "extra", "text/plain"), Found: digest("extra"), Read: 5}
			e.Outputs = append(slices.Clone(e.Outputs), extra)
			e.Declared++
		}),
		in(func(e *gates.Evidence) { e.Stage = "paint" }),
	}
}

func integritySubject() subject[gates.Evidence] {
	element := func(apply func(*rapid.T, *gates.OutputEvidence)) fault[gates.Evidence] { return on(outputsOf, apply) }
	return subject[gates.Evidence]{
		gate: gates.GateIntegrity, stages: buildStages(), decide: gates.Integrity, sound: soundEvidence,
		faults: append(lost(),
			element(func(_ *rapid.T, o *gates.OutputEvidence) { o.Found = digest("other") }),
			element(func(_ *rapid.T, o *gates.OutputEvidence) { o.Found = records.Digest{} }),
			element(func(_ *rapid.T, o *gates.OutputEvidence) { o.Artifact.Ref.Digest = records.Digest{} }),
			element(func(_ *rapid.T, o *gates.OutputEvidence) { o.Found = digest("revoked") }),
			element(func(_ *rapid.T, o *gates.OutputEvidence) { o.Artifact.Ref.Digest = digest("revoked") }),
			element(func(t *rapid.T, o *gates.OutputEvidence) { o.Read = rapid.Int64Range(-1, 2000).Draw(t, "read") }),
			element(func(_ *rapid.T, o *gates.OutputEvidence) { o.Read, o.Artifact.Ref.Size = 5000, 5000 }),
			element(func(_ *rapid.T, o *gates.OutputEvidence) { o.Artifact.Ref.MediaType = "" }),
			element(func(_ *rapid.T, o *gates.OutputEvidence) { sign(o) }),
			element(func(_ *rapid.T, o *gates.OutputEvidence) { o.Signatures = nil }),
			element(func(_ *rapid.T, o *gates.OutputEvidence) {
				sign(o, gates.SignatureEvidence{KeyID: "stranger", Valid: true})
			}),
			element(func(_ *rapid.T, o *gates.OutputEvidence) {
				sign(o, append(slices.Clone(o.Signatures), gates.SignatureEvidence{KeyID: "key-b"})...)
			}),
		),
		rules: []string{
			`integrity {"max_bytes":1000}`, `integrity {"max_bytes":1500}`,
			`integrity {"revoked":["` + digest("revoked").String() + `"]}`,
			`integrity {"signed":["snapshot","claims","resolved","report","exchange","runtime-pack-file"],"signers":["key-a","key-c"]}`,
			`cel {"gate":"integrity","expression":"largest_bytes >= 0","message":"something is read","refuses":{"largest_bytes":-1}}`,
			`cel {"gate":"integrity","expression":"output_names.all(n, size(n) < 90)","message":"names are short","refuses":{"output_names":["` + strings.Repeat("n", 90) + `"]}}`,
		},
		repair: repairIntegrity,
	}
}

func repairIntegrity(c *gates.Context, e *gates.Evidence, u gates.Unmet) bool {
	switch {
	case repairOutputs(c, e, u):
		return true
	case u.Code == gates.EvidenceMissing && u.Target == "":
		e.Stage = c.Subject.Stage
		return true
	case u.Code == gates.EvidenceMissing && strings.HasSuffix(u.Target, " signatures"):
		eachOutput(e, strings.TrimSuffix(u.Target, " signatures"), func(o *gates.OutputEvidence) {
			sign(o, gates.SignatureEvidence{KeyID: "key-a", Valid: true})
		})
		return true
	}
	repair, known := map[gates.Code]func(*gates.OutputEvidence){
		gates.EvidenceMissing: func(o *gates.OutputEvidence) {
			switch {
			case o.Artifact.Ref.Digest.Valid() && !o.Found.Valid():
				o.Found = o.Artifact.Ref.Digest
			case !o.Artifact.Ref.Digest.Valid() && o.Found.Valid():
				o.Artifact.Ref.Digest = o.Found
			case !o.Found.Valid():
				o.Found, o.Artifact.Ref.Digest = digest("read again"), digest("read again")
			}
			if o.Read == o.Artifact.Ref.Size && o.Read <= 0 {
				o.Read, o.Artifact.Ref.Size = 1, 1
			}
		},
		gates.DigestMismatch: func(o *gates.OutputEvidence) {
			if o.Found == digest("revoked") {
				o.Artifact.Ref.Digest = o.Found
			} else {
				o.Found = o.Artifact.Ref.Digest
			}
		},
		gates.SizeMismatch: func(o *gates.OutputEvidence) {
			size := max(o.Read, o.Artifact.Ref.Size)
			o.Read, o.Artifact.Ref.Size = size, size
		},
		gates.MediaTypeMismatch: func(o *gates.OutputEvidence) {
			spec, _ := records.BuildStage(c.Subject.Stage)
			output, _ := spec.Output(o.Artifact.Name)
			o.Artifact.Ref.MediaType = output.MediaType
			if output.MediaType == "" {
				o.Artifact.Ref.MediaType = "application/octet-stream"
			}
		},
		gates.ArtifactTooLarge: func(o *gates.OutputEvidence) {
			if o.Read == o.Artifact.Ref.Size {
				o.Read, o.Artifact.Ref.Size = 1, 1
			} else {
				o.Read, o.Artifact.Ref.Size = 1, 2
			}
		},
		gates.ArtifactRevoked: func(o *gates.OutputEvidence) {
			same := o.Found == o.Artifact.Ref.Digest
			if o.Found == digest("revoked") {
				o.Found = digest("made anew")
			}
			if o.Artifact.Ref.Digest == digest("revoked") {
				o.Artifact.Ref.Digest = digest("declared anew")
			}
			if same {
				o.Artifact.Ref.Digest = o.Found
			}
		},
		gates.SignatureMissing: func(o *gates.OutputEvidence) {
			sign(o, gates.SignatureEvidence{KeyID: "key-a", Valid: true})
		},
		gates.SignatureInvalid: func(o *gates.OutputEvidence) {
			for i := range o.Signatures {
				o.Signatures[i].Valid = true
			}
		},
		gates.SignerNotAllowed: func(o *gates.OutputEvidence) {
			sign(o, append(o.Signatures, gates.SignatureEvidence{KeyID: "key-a", Valid: true})...)
		},
	}[u.Code]
	if known {
		eachOutput(e, u.Target, repair)
	}
	return known
}

func eachOutput(e *gates.Evidence, target string, repair func(*gates.OutputEvidence)) {
	for i := range e.Outputs {
		if labelOf(e.Outputs[i].Artifact) == target {
			repair(&e.Outputs[i])
		}
	}
}

// repairOutputs satisfies conditions about which outputs there are.
func repairOutputs(c *gates.Context, e *gates.Evidence, u gates.Unmet) bool {
	switch u.Code {
	case gates.EvidenceMissing:
		if u.Target != "outputs" {
			return false
		}
		e.Declared = len(e.Outputs)
	case gates.OutputMissing:
		addOutput(c, e, u.Target)
	case gates.OutputUndeclared:
		at := slices.IndexFunc(e.Outputs, func(o gates.OutputEvidence) bool { return labelOf(o.Artifact) == u.Target })
		if at < 0 {
			return false
		}
		spec, _ := records.BuildStage(c.Subject.Stage)
		_, known := spec.Output(e.Outputs[at].Artifact.Name)
		for { // one that is known stays once
			next := slices.IndexFunc(e.Outputs[at+1:], func(o gates.OutputEvidence) bool { return labelOf(o.Artifact) == u.Target })
			if next < 0 {
				break
			}
			e.Outputs = slices.Delete(e.Outputs, at+1+next, at+2+next)
			e.Declared--
		}
		if !known {
			e.Outputs = slices.Delete(e.Outputs, at, at+1)
			e.Declared--
		}
	default:
		return false
	}
	return true
}

// addOutput adds what was not declared, or the evidence of what was.
func addOutput(c *gates.Context, e *gates.Evidence, name string) {
	for _, output := range good(c.Subject.Stage).Outputs {
		if output.Artifact.Name != name {
			continue
		}
		sign(&output, gates.SignatureEvidence{KeyID: "key-a", Valid: true})
		if e.Declared == len(e.Outputs) {
			e.Declared++
		}
		e.Outputs = append(e.Outputs, output)
	}
}

func contractSubject() subject[gates.Evidence] {
	element := func(apply func(*rapid.T, *gates.OutputEvidence)) fault[gates.Evidence] { return on(outputsOf, apply) }
	return subject[gates.Evidence]{
		gate: gates.GateContract, stages: buildStages(), decide: gates.Contract, sound: soundEvidence,
		faults: append(lost(),
			element(func(_ *rapid.T, o *gates.OutputEvidence) { o.Schema = records.Digest{} }),
			element(func(_ *rapid.T, o *gates.OutputEvidence) { o.Documents = 0 }),
			element(func(t *rapid.T, o *gates.OutputEvidence) {
				// As the activity gathers them: violations are counted and the first are told.
				o.Violations, o.First = rapid.Int64Range(1, 9).Draw(t, "violations"), []string{"/a: is no number"}
			}),
			in(func(e *gates.Evidence) { e.Contracts = records.Digest{} }),
			in(func(e *gates.Evidence) { e.Contracts = digest("other contracts") }),
		),
		rules: []string{
			`contract {"sets":["` + digest("contracts").String() + `"]}`, `contract {}`,
			`contract {"sets":["` + digest("contracts").String() + `","` + digest("more").String() + `"]}`,
			`cel {"gate":"contract","expression":"documents < 1000","message":"few documents","refuses":{"documents":1000}}`,
			`cel {"gate":"contract","expression":"contract_set.startsWith(\"sha256:\")","message":"a digest","refuses":{"contract_set":""}}`,
		},
		repair: func(c *gates.Context, e *gates.Evidence, u gates.Unmet) bool {
			switch {
			case u.Code == gates.ContractUnchecked && u.Target == "" || u.Code == gates.ContractSetNotAllowed:
				e.Contracts = digest("contracts")
			case u.Code == gates.ContractUnchecked && !slices.ContainsFunc(e.Outputs, func(o gates.OutputEvidence) bool { return labelOf(o.Artifact) == u.Target }):
				addOutput(c, e, u.Target)
			case u.Code == gates.ContractUnchecked:
				eachOutput(e, u.Target, func(o *gates.OutputEvidence) { o.Schema, o.Documents = digest("schema"), max(1, o.Documents) })
			case u.Code == gates.ContractViolation:
				eachOutput(e, u.Target, func(o *gates.OutputEvidence) { o.Violations, o.First = 0, nil })
			case u.Code == gates.EvidenceMissing && u.Target == "":
				e.Stage = c.Subject.Stage
			default:
				return repairOutputs(c, e, u)
			}
			return true
		},
	}
}

func provenanceSubject() subject[gates.ProvenanceInputs] {
	of := func(apply func(*gates.Provenance)) fault[gates.ProvenanceInputs] {
		return in(func(e *gates.ProvenanceInputs) {
			if e.Provenance != nil {
				apply(e.Provenance)
			}
		})
	}
	sound := func(t *rapid.T) *gates.Provenance {
		p := &gates.Provenance{Snapshot: digest("snapshot"), Document: digest("document"), Collector: "git", CollectorVersion: "1.0.0", Origins: map[string]int64{}}
		for i := range rapid.IntRange(1, 4).Draw(t, "origins") {
			n := rapid.Int64Range(1, 9).Draw(t, "files")
			p.Origins[fmt.Sprintf("file:///data/%d/", i)], p.Files = n, p.Files+n
		}
		return p
	}
	return subject[gates.ProvenanceInputs]{
		gate: gates.GateProvenance, stages: []records.Stage{records.Ingest}, decide: gates.Origin,
		sound: func(t *rapid.T, _ gates.Context) gates.ProvenanceInputs {
			return gates.ProvenanceInputs{Snapshot: digest("snapshot"), Provenance: sound(t)}
		},
		faults: []fault[gates.ProvenanceInputs]{
			in(func(e *gates.ProvenanceInputs) { e.Provenance = nil }),
			in(func(e *gates.ProvenanceInputs) { e.Snapshot = digest("another") }),
			of(func(p *gates.Provenance) { p.Document = records.Digest{} }),
			of(func(p *gates.Provenance) { p.Collector = "" }),
			of(func(p *gates.Provenance) { p.Collector = "curl" }),
			of(func(p *gates.Provenance) { p.CollectorVersion = "" }),
			of(func(p *gates.Provenance) { p.Origins["http://elsewhere/"]++; p.Files++ }),
			of(func(p *gates.Provenance) { p.Origins["file:///data/0/"]-- }),
			of(func(p *gates.Provenance) { p.Origins["file:///data/0/"] += 3; p.Origins["file:///data/x/"] -= 3 }),
			of(func(p *gates.Provenance) { p.Truncated, p.Files = true, p.Files+1 }),
			of(func(p *gates.Provenance) { p.Origins["file:///data/0/"] += 1000; p.Files += 1000 }),
		},
		rules: []string{
			`provenance {"allowed_sources":["file:///data/"]}`, `provenance {"allowed_collectors":["git","orgo"]}`,
			`provenance {"allowed_sources":["file:///data/","s3://"],"allowed_collectors":["git"]}`,
			`cel {"gate":"provenance","expression":"files < 500","message":"few files","refuses":{"files":500}}`,
			`cel {"gate":"provenance","expression":"origins.all(o, size(o) > 0)","message":"named","refuses":{"origins":[""]}}`,
		},
		repair: func(_ *gates.Context, e *gates.ProvenanceInputs, u gates.Unmet) bool {
			if e.Provenance == nil {
				e.Provenance = rapid.Custom(sound).Example(1)
				e.Provenance.Snapshot = e.Snapshot
				return true
			}
			p := e.Provenance
			switch {
			case u.Code == gates.PolicyRuleRefused:
				p.Origins["file:///data/0/"] -= 1000
				p.Files -= 1000
				for p.Origins["file:///data/0/"] > 500 {
					p.Origins["file:///data/0/"] -= 1000
					p.Files -= 1000
				}
			case u.Target == "snapshot":
				p.Snapshot = e.Snapshot
			case u.Target == "document":
				p.Document = digest("document")
			case u.Target == "collector" || strings.HasPrefix(u.Target, "collector "):
				p.Collector = "git"
			case u.Target == "collector_version":
				p.CollectorVersion = "1.0.0"
			case u.Target == "origins":
				known := int64(0)
				for origin, n := range p.Origins {
					if n <= 0 {
						p.Origins[origin] = 1
					}
					known += p.Origins[origin]
				}
				p.Files, p.Truncated = known, false
			case u.Code == gates.SourceNotAllowed:
				p.Origins["file:///data/moved/"] += p.Origins[u.Target]
				delete(p.Origins, u.Target)
			default:
				return false
			}
			return true
		},
	}
}

func validationSubject() subject[gates.ValidationInputs] {
	of := func(apply func(*gates.ReportEvidence)) fault[gates.ValidationInputs] {
		return in(func(e *gates.ValidationInputs) {
			if e.Report != nil {
				apply(e.Report)
			}
		})
	}
	count := func(r *gates.ReportEvidence, code string, n int64) {
		r.Codes[code], r.Severities["WARNING"] = r.Codes[code]+n, r.Severities["WARNING"]+n
		r.ByCode, r.BySeverity = r.ByCode+n, r.BySeverity+n
		for _, by := range []map[string]int64{r.Codes, r.Severities} {
			for of, n := range by {
				if n == 0 {
					delete(by, of)
				}
			}
		}
	}
	sound := func(t *rapid.T) *gates.ReportEvidence {
		r := report(gates.ReportPassed)
		count(r, "ENTITY_AMBIGUOUS", rapid.Int64Range(0, 3).Draw(t, "issues"))
		return r
	}
	return subject[gates.ValidationInputs]{
		gate: gates.GateValidation, stages: []records.Stage{records.Validate}, decide: gates.Validation,
		sound: func(t *rapid.T, _ gates.Context) gates.ValidationInputs {
			return gates.ValidationInputs{Report: sound(t), CompileInputs: compileInputs()}
		},
		faults: []fault[gates.ValidationInputs]{
			in(func(e *gates.ValidationInputs) { e.Report = nil }),
			of(func(r *gates.ReportEvidence) {
				*r = gates.ReportEvidence{Report: r.Report, Malformed: "unexpected end", Codes: map[string]int64{}, Severities: map[string]int64{}}
			}),
			of(func(r *gates.ReportEvidence) { r.Report.Digest = records.Digest{} }),
			of(func(r *gates.ReportEvidence) { r.Status = "ok" }),
			of(func(r *gates.ReportEvidence) { r.Status = gates.ReportFailed }),
			of(func(r *gates.ReportEvidence) { r.Status = gates.ReportPartial }),
			of(func(r *gates.ReportEvidence) { r.Severities["ERROR"]++; r.BySeverity++ }),
			of(func(r *gates.ReportEvidence) { r.ByCode++ }),
			// A total may go with the last count that it is of: then no issue was counted.
			{honest: true, apply: func(_ *rapid.T, _ gates.Context, e *gates.ValidationInputs) {
				if e.Report != nil {
					delete(e.Report.Codes, "ENTITY_AMBIGUOUS")
				}
			}},
			of(func(r *gates.ReportEvidence) { count(r, "STYLE", 3) }),
			of(func(r *gates.ReportEvidence) { count(r, "NAME_CLASH", 7) }),
			of(func(r *gates.ReportEvidence) { count(r, "NOISE", 2000) }),
			of(func(r *gates.ReportEvidence) { r.Resolved = digest("other") }),
			of(func(r *gates.ReportEvidence) { r.Snapshot = records.Digest{} }),
			{apply: func(t *rapid.T, _ gates.Context, e *gates.ValidationInputs) { without(&e.CompileInputs)(t) }},
			{honest: true, apply: func(_ *rapid.T, _ gates.Context, e *gates.ValidationInputs) {
				e.CompileInputs = append(slices.Clone(e.CompileInputs), artifact(records.OutResolved, "resolved too", records.MediaJSONLines))
			}},
		},
		rules: []string{
			`validation {"admit":["passed","partial"]}`, `validation {"admit":["passed"]}`,
			`validation {"admit":["passed","partial"],"max_by_code":{"NAME_CLASH":2}}`,
			`validation {"admit":["passed","partial"],"max_by_code":{"NAME_CLASH":5,"STYLE":2}}`,
			`cel {"gate":"validation","expression":"codes.count(\"NOISE\") < 1000","message":"little noise","refuses":{"codes":{"NOISE":1000}}}`,
			`cel {"gate":"validation","expression":"severities.count(\"FATAL\") == 0 && status != \"\"","message":"nothing fatal","refuses":{"severities":{"FATAL":1},"status":"passed"}}`,
			`warnings {"gate":"validation","max":50}`,
		},
		repair: func(_ *gates.Context, e *gates.ValidationInputs, u gates.Unmet) bool {
			if u.Code == gates.ValidationNotRun {
				e.Report = rapid.Custom(sound).Example(1)
				for _, input := range e.CompileInputs {
					if input.Name == records.OutResolved {
						e.Report.Resolved = input.Ref.Digest
					}
				}
				return true
			}
			r := e.Report
			switch u.Code {
			case gates.ValidationMalformed: // expressions know nothing of a report that is none
				count(r, "NOISE", -r.Codes["NOISE"])
				repairReport(r)
			case gates.ValidationFailed, gates.ValidationPartial:
				r.Status = gates.ReportPassed
				r.BySeverity -= r.Severities["ERROR"]
				delete(r.Severities, "ERROR")
			case gates.ValidationOtherInputs:
				repairInputs(e, u.Target)
			case gates.ValidationIssueLimit:
				code := strings.TrimPrefix(u.Target, "code ")
				count(r, code, -r.Codes[code])
			case gates.PolicyRuleRefused:
				count(r, "NOISE", -r.Codes["NOISE"])
			default:
				return false
			}
			return true
		},
	}
}

func repairReport(r *gates.ReportEvidence) {
	r.Malformed = ""
	if !r.Report.Digest.Valid() {
		r.Report.Digest = digest("report")
	}
	if !slices.Contains([]gates.ReportStatus{gates.ReportPassed, gates.ReportPartial, gates.ReportFailed}, r.Status) {
		r.Status = gates.ReportPassed
	}
	if r.Status == gates.ReportPassed {
		delete(r.Severities, "ERROR")
	}
	r.BySeverity, r.ByCode = 0, 0
	for _, n := range r.Severities {
		r.BySeverity += n
	}
	for _, n := range r.Codes {
		r.ByCode += n
	}
}

// repairInputs lets compile use one input of a name, and the report be about it.
func repairInputs(e *gates.ValidationInputs, name string) {
	e.CompileInputs = slices.DeleteFunc(e.CompileInputs, func(a records.Artifact) bool { return a.Name == name })
	input := artifact(name, name, records.MediaJSON)
	e.CompileInputs = append(e.CompileInputs, input)
	if e.Report == nil {
		return
	}
	if name == records.OutResolved {
		e.Report.Resolved = input.Ref.Digest
	} else {
		e.Report.Snapshot = input.Ref.Digest
	}
}

func determinismSubject() subject[gates.Reproduction] {
	return subject[gates.Reproduction]{
		gate: gates.GateDeterminism, stages: buildStages(), decide: gates.Determinism,
		sound: func(t *rapid.T, _ gates.Context) gates.Reproduction {
			r := gates.Reproduction{Of: "other"}
			for i := range rapid.IntRange(1, 4).Draw(t, "outputs") {
				r.Expected = append(r.Expected, artifact(fmt.Sprintf("out%d", i), fmt.Sprint(i), "x"))
			}
			r.Actual = slices.Clone(r.Expected)
			slices.Reverse(r.Actual)
			r.Recorded, r.Yielded = len(r.Expected), len(r.Actual)
			return r
		},
		faults: []fault[gates.Reproduction]{
			on(func(r *gates.Reproduction) []records.Artifact { return r.Actual }, func(_ *rapid.T, a *records.Artifact) { a.Ref.Digest = digest("changed") }),
			on(func(r *gates.Reproduction) []records.Artifact { return r.Actual }, func(_ *rapid.T, a *records.Artifact) { a.Ref.Digest = records.Digest{} }),
			in(func(r *gates.Reproduction) {
				r.Actual = append(slices.Clone(r.Actual), artifact("new", "new", "x"))
				r.Yielded++
			}),
			{apply: func(t *rapid.T, _ gates.Context, r *gates.Reproduction) {
				before := len(r.Actual)
				without(&r.Actual)(t)
				r.Yielded -= before - len(r.Actual)
			}},
			{apply: func(t *rapid.T, _ gates.Context, r *gates.Reproduction) { without(&r.Expected)(t) }},
			in(func(r *gates.Reproduction) { r.Expected, r.Recorded = nil, 0 }),
			in(func(r *gates.Reproduction) { r.Yielded++ }),
		},
		rules: []string{`warnings {"gate":"determinism","max":0}`},
		repair: func(_ *gates.Context, r *gates.Reproduction, u gates.Unmet) bool {
			switch {
			case u.Code == gates.EvidenceMissing && len(r.Expected) == 0:
				r.Expected = []records.Artifact{artifact("out", "out", "x")}
				r.Actual = slices.Clone(r.Expected)
				r.Recorded, r.Yielded = 1, 1
			case u.Code == gates.EvidenceMissing:
				r.Recorded, r.Yielded = len(r.Expected), len(r.Actual)
			case u.Code == gates.OutputNotReproduced:
				is := func(a records.Artifact) bool { return labelOf(a) == u.Target }
				before := len(r.Actual)
				r.Actual = slices.DeleteFunc(r.Actual, is)
				if at := slices.IndexFunc(r.Expected, is); at >= 0 {
					r.Actual = append(r.Actual, r.Expected[at])
				}
				r.Yielded += len(r.Actual) - before
			default:
				return false
			}
			return true
		},
	}
}
