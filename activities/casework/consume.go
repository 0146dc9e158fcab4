package casework

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"time"

	"github.com/initkoa/orgo/gates/rollout"
	"github.com/initkoa/orgo/gates/routing"
	"github.com/initkoa/orgo/gates/triage"
	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/records/cases"
	"github.com/initkoa/orgo/records/release"
	"github.com/initkoa/orgo/records/store"
)

// Log is what Cases are opened from.
type Log interface {
	Book
	Entries(ctx context.Context, organization string, subject records.Subject, q store.EntryQuery) ([]store.Stored, error)
}

// Router finds the rules by which a Case is routed.
type Router interface {
	Routing(ctx context.Context, organization string, about records.Correlation, at time.Time) (routing.Rules, error)
}

// Consumer opens Cases, and keeps them up, from what is recorded. It implements
// follow.Consumer, and does the same when it is handed an entry again.
type Consumer struct {
	Log    Log
	Router Router
	Logger *slog.Logger
}

// Consume carries out what an entry means. Its error is one that may go away.
func (c Consumer) Consume(ctx context.Context, leaf store.Leaf) error {
	if leaf.Subject.Kind == cases.SubjectCase {
		return nil
	}
	more, err := c.context(ctx, leaf.Entry)
	if err != nil {
		return err
	}
	meanings, err := triage.Of(leaf.Entry, more)
	if errors.Is(err, triage.ErrContext) {
		return nil // of a subject without a record, which there is nothing to say of
	}
	if err != nil {
		return err
	}
	k := keeper{book: c.Log, of: leaf.Entry, route: func(ctx context.Context, o triage.Opening, met int) (cases.Route, error) {
		return c.route(ctx, leaf.Entry, o, met)
	}}
	for _, m := range meanings {
		if err := c.carryOut(ctx, k, m); err != nil {
			return err
		}
	}
	return nil
}

// carryOut carries out one meaning. What a Case refuses, whoever changes it, is a
// person's to see to, and holds up nothing else.
func (c Consumer) carryOut(ctx context.Context, k keeper, m triage.Meaning) error {
	err := doers[m.Kind](k, ctx, m)
	var refusal *cases.Refusal
	if errors.As(err, &refusal) {
		c.Logger.WarnContext(ctx, "a case did not take what happened", "organization", k.of.Organization, "entry_id", k.of.ID, "type", k.of.Type,
			"cause", m.Cause.String(), "meaning", string(m.Kind), "reason_code", string(refusal.Code), "error", err)
		return nil
	}
	return err
}

// route decides how a Case is handled that is opened. met is how often its cause was.
func (c Consumer) route(ctx context.Context, e records.Entry, o triage.Opening, met int) (cases.Route, error) {
	rules, err := c.Router.Routing(ctx, e.Organization, e.Correlation, e.At)
	if err != nil {
		return cases.Route{}, err
	}
	facts := o.Facts
	facts.Occurrences = met
	route, _ := routing.Route(facts, rules)
	return route, nil
}

// context reads what has to be known besides an entry.
func (c Consumer) context(ctx context.Context, e records.Entry) (triage.Context, error) {
	var more triage.Context
	need := triage.Needs(e)
	if need.Channel {
		if err := newest(ctx, c.Log, e, &more.Channel, new(rollout.Record)); err != nil {
			return more, err
		}
	}
	if need.Release {
		if err := newest(ctx, c.Log, e, &more.Release, new(release.Record)); err != nil {
			return more, err
		}
	}
	if need.Command == "" {
		return more, nil
	}
	asked, err := c.Log.Entry(ctx, e.Organization, need.Command)
	if errors.Is(err, store.ErrNotFound) {
		return more, nil
	}
	if err != nil {
		return more, err
	}
	more.Command = new(records.Command)
	if json.Unmarshal(asked.Body, more.Command) != nil {
		more.Command = &records.Command{}
	}
	return more, nil
}

// newest reads the newest version of the record of an entry's subject. One that there is
// not, or that does not decode, is none.
func newest[R any](ctx context.Context, from Log, e records.Entry, into **R, record *R) error {
	entries, err := from.Entries(ctx, e.Organization, e.Subject, store.EntryQuery{Types: []string{records.TypeRecordWritten}, Newest: true, Limit: 1})
	if err != nil || len(entries) == 0 {
		return err
	}
	if json.Unmarshal(entries[0].Body, record) == nil {
		*into = record
	}
	return nil
}
