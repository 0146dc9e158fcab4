package triage

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/gates/rollout"
	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/records/cases"
	"github.com/initkoa/orgo/records/event"
	"github.com/initkoa/orgo/records/release"
)

// Context is what has to be known besides the entry. Needs says which of it.
type Context struct {
	// Channel is the newest version of the channel that the entry is about.
	Channel *rollout.Record
	// Release is the newest version of the release that the entry is about.
	Release *release.Record
	// Command is what was asked, of an entry that says what became of it.
	Command *records.Command
}

// Need says what of a Context an entry needs.
type Need struct {
	Channel bool   // the record of the subject
	Release bool   // the record of the subject
	Command string // the entry with this id, of the same subject
}

// ErrContext is returned for an entry that needs more than the context has.
var ErrContext = errors.New("the context of an entry is not complete")

// row is one line of the table.
type row struct {
	need func(records.Entry) Need
	of   func(records.Entry, Context) ([]Meaning, error)
}

// table has what each type of entry means. A type that is not in it means nothing.
var table = map[string]row{
	records.TypeBuildWaiting:  {nothing, decoded(buildWaits)},
	records.TypeBuildBlocked:  {nothing, decoded(buildEnded)},
	records.TypeBuildFailed:   {nothing, decoded(buildEnded)},
	records.TypeBuildPassed:   {nothing, decoded(buildEnded)},
	records.TypeBuildStopped:  {nothing, decoded(buildEnded)},
	records.TypeStageConflict: {nothing, plain(stageConflicted)},

	release.TypeReleaseMoved:    {ofMove, decoded(releaseMoved)},
	release.TypeOperatorPaged:   {nothing, plain(operatorPaged)},
	release.TypeWindowRefused:   {nothing, plain(windowRefused)},
	release.TypeGlassConfirmed:  {nothing, decoded(glassConfirmed)},
	release.TypeGlassReviewed:   {nothing, decoded(glassReviewed)},
	records.TypeActionRefused:   {nothing, decoded(actionRefused)},
	records.TypeActionAccepted:  {ofCommand, decoded(actionAccepted)},
	records.TypeRecordWritten:   {nothing, recordWritten},
	release.TypeCaseNeeded:      {nothing, decoded(caseNeeded)},
	release.TypeCohortActivated: {nothing, plain(cohortActivated)},

	release.TypeRollbackTriggered:   {nothing, decoded(rollbackTriggered)},
	release.TypeRollbackTarget:      {nothing, decoded(rollbackPlaced)},
	release.TypeRollbackCompleted:   {nothing, decoded(rollbackRead)},
	release.TypeRollbackFailed:      {nothing, decoded(rollbackRead)},
	release.TypeChannelDriftFound:   {ofChannel, decoded(driftFound)},
	release.TypeChannelDriftCleared: {ofChannel, plain(driftCleared)},
	release.TypeChannelConfirmed:    {ofChannel, plain(driftCleared)},

	records.TypeLedgerTampered: {nothing, decoded(ledgerTampered)},

	event.TypeWebhookDeadLettered: {nothing, decoded(deadLettered)},
	event.TypeWebhookRedriven:     {nothing, decoded(webhookRedriven)},
	event.TypeWebhookDeleted:      {nothing, plain(webhookDeleted)},
}

// Types returns the types of entries that may mean something, sorted.
func Types() []string {
	var types []string
	for name := range table {
		types = append(types, name)
	}
	slices.Sort(types)
	return types
}

// Needs returns what has to be known besides an entry.
func Needs(e records.Entry) Need {
	of, means := table[e.Type]
	if !means {
		return Need{}
	}
	return of.need(e)
}

// Of returns what an entry means for Cases. An entry that cannot be read needs a Case
// itself: what it should have told is lost otherwise. Its error wraps ErrContext.
func Of(e records.Entry, more Context) ([]Meaning, error) {
	of, means := table[e.Type]
	if !means {
		return nil, nil
	}
	need := of.need(e)
	if need.Channel && more.Channel == nil || need.Release && more.Release == nil || need.Command != "" && more.Command == nil {
		return nil, fmt.Errorf("%w: %s %s of %s %s needs %+v", ErrContext, e.Type, e.ID, e.Subject.Kind, e.Subject.ID, need)
	}
	found, err := of.of(e, more)
	if err != nil {
		return []Meaning{unreadable(e)}, nil
	}
	return found, nil
}

func nothing(records.Entry) Need { return Need{} }

func ofChannel(records.Entry) Need { return Need{Channel: true} }

// decoded makes a row of what reads a body.
func decoded[B any](of func(records.Entry, B, Context) []Meaning) func(records.Entry, Context) ([]Meaning, error) {
	return func(e records.Entry, more Context) ([]Meaning, error) {
		var body B
		if err := json.Unmarshal(e.Body, &body); err != nil {
			return nil, err
		}
		return of(e, body, more), nil
	}
}

// plain makes a row of what needs no body.
func plain(of func(records.Entry, Context) []Meaning) func(records.Entry, Context) ([]Meaning, error) {
	return func(e records.Entry, more Context) ([]Meaning, error) { return of(e, more), nil }
}

// unreadable is an entry of Orgo's own whose body is not what its type says.
func unreadable(e records.Entry) Meaning {
	return opening(e, cases.Cause{Kind: cases.CauseAudit, ID: "entry/" + e.ID}, Opening{
		Type: "entry_unreadable", Category: cases.Incident, Codes: []string{string(gates.EvidenceMissing)},
		Summary: fmt.Sprintf("An entry of type %s of %s %s cannot be read", e.Type, e.Subject.Kind, e.Subject.ID),
		Refs:    []cases.Ref{{Type: "entry", Ref: e.ID}},
	})
}

// opening completes an Opening with what is the same in all: the facts, what the
// entry belongs to, and its codes if none are given.
func opening(e records.Entry, cause cases.Cause, o Opening) Meaning {
	if o.Codes == nil {
		o.Codes = e.Codes
	}
	o.Facts.Organization, o.Facts.Cause, o.Facts.Incident = e.Organization, cause.Kind, o.Category == cases.Incident
	o.Facts.Reasons = gates.CaseReasons(o.Codes)
	if o.Facts.Stage == "" {
		o.Facts.Stage = e.Correlation.Stage
	}
	o.Facts.Channel = e.Correlation.Channel
	o.Refs = append(surroundings(e), o.Refs...)
	return Meaning{Kind: Open, Cause: cause, Reason: e.Reason, Opening: &o}
}

// surroundings are the references of what an entry belongs to.
func surroundings(e records.Entry) []cases.Ref {
	var refs []cases.Ref
	for _, r := range []cases.Ref{
		{Type: "build", Ref: e.Correlation.BuildID}, {Type: "release", Ref: e.Correlation.ReleaseID}, {Type: "channel", Ref: e.Correlation.Channel},
	} {
		if r.Ref != "" {
			refs = append(refs, r)
		}
	}
	return refs
}

func cleared(cause cases.Cause, reason string) Meaning {
	return Meaning{Kind: Cleared, Cause: cause, Reason: reason}
}

func done(cause cases.Cause, task, resolution string) Meaning {
	return Meaning{Kind: Done, Cause: cause, Task: task, Reason: resolution}
}

func obsolete(cause cases.Cause, reason string) Meaning {
	return Meaning{Kind: Obsolete, Cause: cause, Reason: reason}
}

// of returns the cause of a kind that the subject of an entry is.
func of(kind string, e records.Entry) cases.Cause { return cases.Cause{Kind: kind, ID: e.Subject.ID} }

// because returns a text with the reason that was given, if one was.
func because(text, reason string) string {
	if reason == "" {
		return text
	}
	return text + ": " + reason
}
