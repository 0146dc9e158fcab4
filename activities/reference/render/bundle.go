package render

import (
	"context"
	"strings"

	"github.com/initkoa/orgo/activities/reference/claim"
	"github.com/initkoa/orgo/activities/runner"
	"github.com/initkoa/orgo/records"
)

// bundle writes a page and its trace. Errors of writing come out of commit.
type bundle struct {
	page, trace        *file
	tracer             *claim.Writer
	names              *names
	lines              int64 // of the page
	about              int64 // statements in this section
	entities           int64
	statements, claims int64
}

func newBundle(ctx context.Context, store runner.ArtifactStore, names *names) *bundle {
	b := &bundle{page: create(ctx, store, records.MediaMarkdown), trace: create(ctx, store, records.MediaJSONLines), names: names}
	b.tracer = claim.NewWriter(b.trace.buffer)
	return b
}

func (b *bundle) abort() {
	b.page.artifact.Abort()
	b.trace.artifact.Abort()
}

func (b *bundle) commit() (runner.Result, error) {
	page, err := b.page.commit()
	if err != nil {
		return runner.Result{}, err
	}
	trace, err := b.trace.commit()
	if err != nil {
		return runner.Result{}, err
	}
	return runner.Result{
		Outputs: []records.Artifact{{Name: records.OutRendered, Ref: page}, {Name: records.OutTrace, Ref: trace}},
		Metrics: map[string]int64{"entities": b.entities, "statements": b.statements, "claims": b.claims},
	}, nil
}

// put writes one line of the page, of parts that have no line feed.
func (b *bundle) put(parts ...string) {
	for _, part := range parts {
		b.page.buffer.WriteString(part) //nolint:errcheck // comes out of commit
	}
	b.page.buffer.WriteByte('\n') //nolint:errcheck // comes out of commit
	b.lines++
}

func (b *bundle) header(p pack) {
	b.put("# Rendered bundle")
	b.put()
	b.put("- Runtime pack: ", escape(p.manifest.Digest.String()))
	b.put("- Exchange: ", escape(p.exchange.KristalID))
	if id := p.exchange.Inputs.SnapshotID; id != "" {
		b.put("- Source snapshot: ", escape(id))
	}
	for _, id := range p.exchange.Inputs.ResolvedIDs {
		b.put("- Resolved claims: ", escape(id))
	}
}

// entity begins the section of an entity.
func (b *bundle) entity(e thingRow) {
	b.entities++
	b.about = 0
	b.put()
	if len(e.Labels) == 0 {
		b.put("## ", escape(e.ID))
	} else {
		b.put("## ", escape(e.name()), " (", escape(e.ID), ")")
	}
	b.put()
	if len(e.Labels) > 1 {
		also := make([]string, 0, len(e.Labels)-1)
		for _, l := range e.Labels[1:] {
			also = append(also, escape(l.Text))
		}
		b.put("Also: ", strings.Join(also, ", "))
		b.put()
	}
	switch e.Status {
	case claim.StatusUnresolved:
		b.put("Unresolved: the name means no item that is known.")
		b.put()
	case claim.StatusAmbiguous:
		may := make([]string, 0, len(e.Candidates))
		for _, c := range e.Candidates {
			may = append(may, escape(strings.TrimSpace(c.Label+" ("+c.ID+")")))
		}
		b.put("Ambiguous: the name may mean ", strings.Join(may, ", "))
		b.put()
	}
}

// end ends a section.
func (b *bundle) end() {
	if b.about == 0 {
		b.put("No statement is about it.")
	}
}

// statement writes a statement, and its line of the trace.
func (b *bundle) statement(row statementRow) error {
	b.put("- **", b.names.show(row.Property), "**: ", row.stated.show(b.names))
	traced := Traced{Line: b.lines, StatementID: row.ID, SourceDigests: []records.Digest{}}
	for _, q := range row.narrowed {
		b.put("  - ", b.names.show(q.property), ": ", q.value.show(b.names))
	}
	seen := map[string]struct{}{}
	for _, e := range row.Evidence {
		b.put("  - claim ", escape(e.ClaimID), e.from())
		if once(seen, "claim "+e.ClaimID) {
			traced.ClaimIDs = append(traced.ClaimIDs, e.ClaimID)
		}
		if digest, has := e.digest(); has && once(seen, "source "+digest.Value) {
			traced.SourceDigests = append(traced.SourceDigests, digest)
		}
	}
	b.about++
	b.statements++
	b.claims += int64(len(traced.ClaimIDs))
	return b.tracer.Write(traced)
}

// once reports whether key was not seen before.
func once(seen map[string]struct{}, key string) bool {
	_, before := seen[key]
	seen[key] = struct{}{}
	return !before
}
