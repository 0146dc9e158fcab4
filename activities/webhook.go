package activities

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"

	"go.temporal.io/sdk/activity"

	httprunner "github.com/initkoa/orgo/activities/runner/http"
	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/records/event"
	"github.com/initkoa/orgo/records/store"
)

// EventLog is the log that webhooks are served from.
type EventLog interface {
	// Leaves returns up to limit entries of an organization from a leaf on, and the
	// leaf from which to go on.
	Leaves(ctx context.Context, organization string, from int64, limit int) ([]store.Leaf, int64, error)
	// Sequenced returns a channel that is closed when this process learns of new
	// leaves.
	Sequenced() <-chan struct{}
}

// Limits of a delivery.
const (
	deliverPage    = 100
	deliverEvents  = 1000             // in one activity
	deliverIdle    = 5 * time.Minute  // that an activity waits for events
	deliverPoll    = time.Second      // between looks for leaves that another process added
	deliverTimeout = 15 * time.Second // for the receiver to answer
)

// DeliverInput says what to send, and from where on.
type DeliverInput struct {
	Organization string        `json:"organization"`
	Webhook      event.Webhook `json:"webhook"`
	After        int64         `json:"after"`
	// Only asks for the one event after After, and no other.
	Only bool `json:"only,omitempty"`
}

// Delivered is how far a delivery came.
type Delivered struct {
	Cursor int64 `json:"cursor"`
	Sent   int64 `json:"sent"`
	// Failed is the event after Cursor, if it was not taken.
	Failed *event.DeadLetter `json:"failed,omitempty"`
}

// Deliver sends events in order, each until it is taken, and returns when one is
// not, after many, after a while, or when it is cancelled. Progress is in its
// heartbeats: an attempt after a crash goes on there.
func (a *Activities) Deliver(ctx context.Context, in DeliverInput) (Delivered, error) {
	out := Delivered{Cursor: in.After}
	if len(a.webhookKey) < httprunner.CallbackKeyMin {
		// A secret derived from another key than the server's would be refused by the
		// receiver, for no reason that it could find.
		return out, fmt.Errorf("this worker signs no webhooks: it has no key of at least %d bytes (--callback-key)", httprunner.CallbackKeyMin)
	}
	if activity.HasHeartbeatDetails(ctx) {
		if err := activity.GetHeartbeatDetails(ctx, &out); err != nil {
			return out, err
		}
	}
	idle := time.NewTimer(deliverIdle)
	defer idle.Stop()
	poll := time.NewTicker(deliverPoll)
	defer poll.Stop()
	for {
		sequenced := a.events.Sequenced()
		ended, err := a.deliverPage(ctx, in, &out)
		if ended || err != nil {
			return out, err
		}
		activity.RecordHeartbeat(ctx, out)
		select {
		case <-ctx.Done():
			return out, nil // cancelled: what was sent counts
		case <-idle.C:
			return out, nil
		case <-sequenced:
		case <-poll.C:
		}
	}
}

// deliverPage sends what there is, and reports whether the activity is to end.
func (a *Activities) deliverPage(ctx context.Context, in DeliverInput, out *Delivered) (ended bool, err error) {
	for {
		leaves, next, err := a.events.Leaves(ctx, in.Organization, out.Cursor+1, deliverPage)
		if err != nil || next == out.Cursor+1 {
			return false, err
		}
		for _, leaf := range leaves {
			if ctx.Err() != nil {
				return true, nil
			}
			if !in.Only && !in.Webhook.Filter.Admits(leaf.Entry) {
				continue
			}
			err := a.post(ctx, in, leaf)
			if ctx.Err() != nil {
				return true, nil // whether it was taken is not known: it is sent again
			}
			if err != nil {
				out.Cursor = leaf.Number - 1
				out.Failed = &event.DeadLetter{Leaf: leaf.Number, EntryID: leaf.ID, Error: err.Error()}
				return true, nil
			}
			out.Cursor = leaf.Number
			out.Sent++
			activity.RecordHeartbeat(ctx, *out)
			if in.Only || out.Sent >= deliverEvents {
				return true, nil
			}
		}
		out.Cursor = next - 1
		activity.RecordHeartbeat(ctx, *out) // also where nothing is to be sent for long
	}
}

// post sends one event. Only an answer of success means that it was taken.
func (a *Activities) post(ctx context.Context, in DeliverInput, leaf store.Leaf) error {
	body, err := records.Canonical(leaf.Event())
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, deliverTimeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, in.Webhook.URL, bytes.NewReader(body))
	if err != nil {
		return err
	}
	at := a.clock.Now()
	signature, err := event.SignWebhook(event.WebhookSecret(a.webhookKey, in.Organization, in.Webhook.ID), leaf.ID, at, body)
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", event.MediaType)
	request.Header.Set("User-Agent", "orgo-webhook")
	request.Header.Set(event.HeaderWebhookID, leaf.ID)
	request.Header.Set(event.HeaderWebhookTimestamp, strconv.FormatInt(at.Unix(), 10))
	request.Header.Set(event.HeaderWebhookSignature, signature)
	answer, err := a.webhooks.Do(request)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	_, _ = io.CopyN(io.Discard, answer.Body, 64<<10) // so that the connection can be used again
	if answer.StatusCode < 200 || answer.StatusCode > 299 {
		return fmt.Errorf("answered %s", answer.Status)
	}
	return nil
}

// newWebhookClient returns a client that follows no redirect: an event goes where
// its webhook says, and nowhere else.
func newWebhookClient() *http.Client {
	return &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

// SetAsideInput names an event that was not taken.
type SetAsideInput struct {
	Organization string           `json:"organization"`
	WebhookID    string           `json:"webhook_id"`
	Letter       event.DeadLetter `json:"letter"`
}

// SetAside records that an event was not taken and that the webhook goes on
// without it.
func (a *Activities) SetAside(ctx context.Context, in SetAsideInput) error {
	entry, err := records.NewEntry(records.Entry{
		Organization: in.Organization, Kind: records.KindEvent, Type: event.TypeWebhookDeadLettered,
		Subject: records.Subject{Kind: event.SubjectWebhook, ID: in.WebhookID}, At: a.clock.Now(), Actor: records.SystemActor,
		Codes: []string{string(gates.WebhookNotTaken)},
	}, fmt.Sprintf("leaf/%d/%d", in.Letter.Leaf, in.Letter.Attempts), in.Letter)
	if err != nil {
		return err
	}
	if _, err := a.store.Append(ctx, entry); err != nil {
		return err
	}
	a.log.Warn("an event was set aside", "webhook_id", in.WebhookID, "leaf", in.Letter.Leaf, "entry_id", in.Letter.EntryID,
		"attempts", in.Letter.Attempts, "reason_code", gates.WebhookNotTaken, "error", in.Letter.Error)
	return nil
}
