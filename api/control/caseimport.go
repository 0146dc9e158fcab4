package control

import (
	"cmp"
	"context"
	"errors"

	"github.com/initkoa/orgo/api"
	"github.com/initkoa/orgo/client"
	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/gates/routing"
	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/records/cases"
	"github.com/initkoa/orgo/records/store"
)

// refSource is the type of a reference to where a Case was imported from.
const refSource = "source"

// importReason is why what is imported is opened.
const importReason = "imported"

// Import opens a Case for each line that there is none for: its id comes from what the
// line names itself, so the same line is the same Case. What is there stays as it is.
// With all, everything is appended at once, or nothing is.
func (c Cases) Import(ctx context.Context, organization string, lines []client.CaseLine, all bool, by api.Identity) ([]api.CaseImported, error) {
	rules, err := c.rules(ctx, organization, nil)
	if err != nil {
		return nil, err
	}
	outcomes := make([]api.CaseImported, 0, len(lines))
	var entries []records.Entry
	opens, refused := map[string]bool{}, false
	for _, line := range lines {
		outcome, entry, err := c.imported(ctx, organization, line, rules, by)
		if err != nil {
			return outcomes, err
		}
		if outcome.Outcome == client.ImportCreated && opens[outcome.CaseID] {
			outcome.Outcome = client.ImportExists // an earlier line is the same
		}
		if outcome.Outcome == client.ImportCreated {
			opens[outcome.CaseID] = true
			entries = append(entries, entry)
			if !all {
				if outcome, err = c.opened(ctx, outcome, entry); err != nil {
					return outcomes, err
				}
			}
		}
		refused = refused || outcome.Refused != nil
		outcomes = append(outcomes, outcome)
	}
	if !all {
		return outcomes, nil
	}
	if refused {
		for i := range outcomes {
			if outcomes[i].Outcome == client.ImportCreated {
				outcomes[i].Outcome = client.ImportWithheld
			}
		}
		return outcomes, nil
	}
	_, err = c.Append(ctx, entries...)
	return outcomes, err
}

// opened appends the entry of one line.
func (c Cases) opened(ctx context.Context, outcome api.CaseImported, entry records.Entry) (api.CaseImported, error) {
	_, err := c.Append(ctx, entry)
	switch _, _, refused := refusalOf(err); {
	case errors.As(err, new(*store.EntryConflict)):
		outcome.Outcome = client.ImportExists // somebody else has imported it, a moment ago
	case refused:
		outcome.Outcome, outcome.Refused = client.ImportRefused, err
	case err != nil:
		return outcome, err
	}
	return outcome, nil
}

// imported says what becomes of a line, with the entry that opens its Case if one does.
func (c Cases) imported(ctx context.Context, organization string, line client.CaseLine, rules routing.Rules, by api.Identity) (api.CaseImported, records.Entry, error) {
	if line.CaseID != "" {
		_, err := c.CaseStore.Case(ctx, organization, line.CaseID)
		if err == nil {
			return api.CaseImported{CaseID: line.CaseID, Outcome: client.ImportExists}, records.Entry{}, nil
		}
		if !errors.Is(err, store.ErrNotFound) {
			return api.CaseImported{}, records.Entry{}, err
		}
	}
	reference := cmp.Or(line.SourceReference, line.CaseID)
	if reference == "" {
		return refusedLine(refuse(gates.RequestInvalid, nil, "it has neither a case_id nor a source_reference: importing it again would open another"))
	}
	opened := openedBy(line, reference)
	id := cases.ID(organization, opened.Cause, opened.Ordinal)
	switch kept, err := c.kept(ctx, organization, id); {
	case err != nil:
		return api.CaseImported{}, records.Entry{}, err
	case kept != nil:
		return api.CaseImported{CaseID: id, Outcome: client.ImportExists}, records.Entry{}, nil
	case line.Status.Terminal():
		return api.CaseImported{Outcome: client.ImportEnded}, records.Entry{}, nil
	}
	for _, code := range opened.Codes {
		if _, known := gates.Lookup(gates.Code(code)); !known {
			return refusedLine(refuse(gates.RequestInvalid, nil, "there is no reason code %q", code))
		}
	}
	entry, err := c.opening(organization, opened, line.Handling, factsOf(opened, line.Handling), rules, importReason, by)
	if err == nil {
		return api.CaseImported{CaseID: id, Outcome: client.ImportCreated}, entry, nil
	}
	if _, _, refused := refusalOf(err); refused {
		return refusedLine(err)
	}
	return api.CaseImported{}, records.Entry{}, err
}

func refusedLine(why error) (api.CaseImported, records.Entry, error) {
	return api.CaseImported{Outcome: client.ImportRefused, Refused: why}, records.Entry{}, nil
}

// openedBy returns how the Case of a line is opened. No idempotency key has a space: its
// cause is no other's.
func openedBy(line client.CaseLine, reference string) cases.Opened {
	opened := cases.Opened{
		Source: cmp.Or(line.Source, cases.SourceSync), Type: line.Type, Category: cmp.Or(line.Category, cases.Request),
		Summary: line.Summary, Description: line.Description, Tags: line.Tags,
		Refs:  append(line.Refs[:len(line.Refs):len(line.Refs)], cases.Ref{Type: refSource, Ref: reference}),
		Cause: cases.Cause{Kind: cases.CauseRequest, ID: "import " + reference}, Ordinal: 1, Codes: distinct(line.Codes),
	}
	for _, task := range line.Tasks {
		if !task.Status.Terminal() {
			opened.Route.Tasks = append(opened.Route.Tasks, task.Plan)
		}
	}
	return opened
}
