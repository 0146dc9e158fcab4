package triage

import (
	"fmt"

	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/records/cases"
	"github.com/initkoa/orgo/records/event"
)

// deadLettered: a webhook that is broken has one Case, however many events it misses.
func deadLettered(e records.Entry, letter event.DeadLetter, _ Context) []Meaning {
	return []Meaning{opening(e, of(cases.CauseWebhook, e), Opening{
		Type: "webhook_dead_letter", Category: cases.Incident,
		Summary: clipped(because(fmt.Sprintf("Webhook %s did not take an event in %d attempts", e.Subject.ID, letter.Attempts), letter.Error)),
		Refs:    []cases.Ref{{Type: "webhook", Ref: e.Subject.ID}, {Type: "entry", Ref: letter.EntryID}},
	})}
}

// webhookRedriven: what was set aside is to be sent again. What is not taken then is
// set aside anew.
func webhookRedriven(e records.Entry, change event.WebhookChanged, _ Context) []Meaning {
	if len(change.After.DeadLetters) > 0 {
		return nil
	}
	return []Meaning{cleared(of(cases.CauseWebhook, e), because("what was set aside is sent again", e.Reason))}
}

func webhookDeleted(e records.Entry, _ Context) []Meaning {
	return []Meaning{obsolete(of(cases.CauseWebhook, e), because("the webhook was deleted", e.Reason))}
}
