package releases

import (
	"context"
	"encoding/json"
	"time"

	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/records/release"
	"github.com/initkoa/orgo/records/store"
)

// InboxInput asks for what a release or a channel was asked and told.
type InboxInput struct {
	Organization string          `json:"organization"`
	Subject      records.Subject `json:"subject"`
	After        int64           `json:"after"`           // a sequence: what was taken in before
	Limit        int             `json:"limit,omitempty"` // 0: 100
}

// Messages are in the order in which they were recorded.
type Messages struct {
	Messages []Message `json:"messages"`
	More     bool      `json:"more"` // after the last
}

// Message is an entry that asks or tells.
type Message struct {
	Sequence int64           `json:"sequence"`
	ID       string          `json:"id"`
	Type     string          `json:"type"`
	Actor    string          `json:"actor"`
	Reason   string          `json:"reason,omitempty"`
	At       time.Time       `json:"at"`
	Body     json.RawMessage `json:"body"`
}

// inboxPage is how many messages are read at once: bodies are small, and payloads
// bounded.
const inboxPage = 100

// Inbox reads messages.
func (a *Activities) Inbox(ctx context.Context, in InboxInput) (Messages, error) {
	messages, err := a.inbox(ctx, in)
	return reported(ctx, messages, err)
}

func (a *Activities) inbox(ctx context.Context, in InboxInput) (Messages, error) {
	limit := in.Limit
	if limit <= 0 || limit > inboxPage {
		limit = inboxPage
	}
	stored, err := a.store.Entries(ctx, in.Organization, in.Subject, store.EntryQuery{
		After: in.After, Limit: limit + 1, // one more says whether there are more
		Types: []string{records.TypeActionRequested, records.TypeActionAsked, release.TypeTold, release.TypeRequested},
	})
	messages := Messages{Messages: []Message{}, More: len(stored) > limit}
	for _, s := range stored[:min(limit, len(stored))] {
		messages.Messages = append(messages.Messages, Message{
			Sequence: s.Sequence, ID: s.ID, Type: s.Type, Actor: s.Actor, Reason: s.Reason, At: s.At, Body: s.Body,
		})
	}
	return messages, err
}
