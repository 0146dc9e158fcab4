package cases

import (
	"fmt"
	"time"

	"github.com/initkoa/orgo/records"
)

// Act is who does something to a Case, why and when.
type Act struct {
	Actor  string
	Reason string
	At     time.Time
	// Key tells the act apart from others of its type on the Case, for good: the same is
	// the same act.
	Key string
	// Codes are the reason codes of what happened.
	Codes []string
}

// Entry makes the entry of an act on a Case. The body is one of this package, and the
// type the one that its comment in the list of types names.
func Entry(organization, caseID, typ string, act Act, body any) (records.Entry, error) {
	return records.NewEntry(records.Entry{
		Organization: organization, Kind: records.KindEvent, Type: typ, Subject: Subject(caseID), At: act.At,
		Actor: act.Actor, Reason: act.Reason, Codes: act.Codes, Correlation: records.Correlation{CaseID: caseID},
	}, act.Key, body)
}

// Opening makes the entry that opens the Case of a number that a cause has. Whoever opens
// it again makes the same.
func Opening(organization string, act Act, opened Opened) (records.Entry, error) {
	act.Key, act.Codes = "", opened.Codes
	return Entry(organization, ID(organization, opened.Cause, opened.Ordinal), TypeOpened, act, opened)
}

// Escalate makes the entry by which a deadline of the Case goes up a level. Each does so
// once, until the Case is reopened.
func (c *Case) Escalate(due Deadline, at time.Time) (records.Entry, error) {
	typ := TypeEscalated
	if due.TaskID != "" {
		typ = TypeTaskLate
	}
	key := fmt.Sprintf("%s/%s/%d/%d", due.Kind, due.TaskID, due.Level, c.Reopened)
	return Entry(c.Organization, c.CaseID, typ, Act{Actor: records.SystemActor, At: at, Key: key}, Escalated{Deadline: due})
}
