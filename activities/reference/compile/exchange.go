package compile

import (
	"bytes"
	"context"

	"github.com/initkoa/orgo/activities/reference/identity"
	"github.com/initkoa/orgo/activities/runner"
	"github.com/initkoa/orgo/records"
)

// ExchangeVersion is the version of the form of an Exchange.
const ExchangeVersion = "1.0.0"

// The Exchange is one canonical document (RFC 8785), so its members are written
// in the order of their names:
//
//	{"entities":[{"candidates":[…]?,"id":…,"labels":[…],"statements":[…],"status":…}, …],
//	 "kind":"exchange",
//	 "properties":[{"candidates":[…]?,"id":…,"labels":[…],"status":…}, …],
//	 "schema_version":"1.0.0"}
//
// A statement is {"evidence":[…],"id":…,"object":…,"property":…,"qualifiers":[…]?}.
// The pack has the same statements, each with its subject, and the same entities
// without them.

// writer writes the Exchange and the files of the Runtime Pack in one go over
// the sorted rows.
type writer struct {
	exchange *sink
	pack     *pack
	counts   counts
}

type counts struct {
	things               [2]int64 // by section
	statements, evidence int64
}

func (w *writer) metrics() map[string]int64 {
	return map[string]int64{
		"entities": w.counts.things[entities], "properties": w.counts.things[properties],
		"statements": w.counts.statements, "evidence": w.counts.evidence,
	}
}

func newWriter(ctx context.Context, store runner.ArtifactStore) *writer {
	return &writer{exchange: newSink(ctx, store, records.MediaJSON), pack: newPack(ctx, store)}
}

func (w *writer) abort() {
	w.exchange.abort()
	w.pack.abort()
}

// write writes everything.
func (w *writer) write(c *cursor) error {
	w.exchange.put(`{"entities":[`)
	if err := w.things(c, entities); err != nil {
		return err
	}
	w.exchange.put(`],"kind":"exchange","properties":[`)
	if err := w.things(c, properties); err != nil {
		return err
	}
	w.exchange.put(`],"schema_version":"`, ExchangeVersion, `"}`)
	return c.err
}

func (w *writer) things(c *cursor, in section) error {
	for first := true; c.in(in); first = false {
		if !first {
			w.exchange.put(",")
		}
		if err := w.thing(c, in); err != nil {
			return err
		}
	}
	return c.err
}

// thing writes one entity or property.
func (w *writer) thing(c *cursor, in section) error {
	ref := c.row.thing
	line, err := w.pack.things[in].row(ref.String())
	if err != nil {
		return err
	}
	w.counts.things[in]++
	candidates := c.take(in, ref, candidatePart)
	labels := c.take(in, ref, labelPart)
	for _, out := range []*sink{w.exchange, line} {
		out.put("{")
		if candidates != nil {
			out.put(`"candidates":[`)
			out.bytes(candidates)
			out.put(`],`)
		}
		out.put(`"id":"`, ref.String(), `","labels":[`)
		out.bytes(labels)
		out.put(`]`)
	}
	if in == entities {
		w.exchange.put(`,"statements":[`)
		if err := w.statements(c, ref); err != nil {
			return err
		}
		w.exchange.put(`]`)
	}
	for _, out := range []*sink{w.exchange, line} {
		out.put(`,"status":"`, ref.Status(), `"}`)
	}
	line.put("\n")
	return c.err
}

func (w *writer) statements(c *cursor, subject identity.Ref) error {
	for first := true; c.on(entities, subject, statementPart); first = false {
		if !first {
			w.exchange.put(",")
		}
		if err := w.statement(c, subject); err != nil {
			return err
		}
	}
	return nil
}

// statement writes one statement with the evidence of all claims that state it.
func (w *writer) statement(c *cursor, subject identity.Ref) error {
	line, err := w.pack.statements.row(subject.String())
	if err != nil {
		return err
	}
	w.counts.statements++
	states := c.row.stated().clone()
	both := []*sink{w.exchange, line}
	for _, out := range both {
		out.put(`{"evidence":[`)
	}
	var last []byte
	for c.on(entities, subject, statementPart) && bytes.Equal(c.row.stated().key, states.key) {
		if evidence := c.row.stated().evidence; !bytes.Equal(evidence, last) {
			for _, out := range both {
				if last != nil {
					out.put(",")
				}
				out.bytes(evidence)
			}
			w.counts.evidence++
			last = append(last[:0], evidence...)
		}
		c.move()
	}
	for _, out := range both {
		out.put(`],"id":"`, states.id.String(), `","object":`)
		out.bytes(states.object)
		out.put(`,"property":"`, states.property.String(), `"`)
		if len(states.qualifiers) > 0 {
			out.put(`,"qualifiers":`)
			out.bytes(states.qualifiers)
		}
	}
	w.exchange.put("}")
	line.put(`,"subject":"`, subject.String(), "\"}\n")
	return c.err
}
