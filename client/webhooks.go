package client

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/initkoa/orgo/records/event"
)

// CreateWebhook asks that events are sent to a URL.
type CreateWebhook struct {
	URL    string       `json:"url" maxLength:"2000" doc:"https, or http on the server's own machine"`
	Filter event.Filter `json:"filter,omitempty" required:"false"`
	// After is the leaf after which it begins; nil begins with the first.
	After       *int64 `json:"after,omitempty" required:"false" minimum:"-1" doc:"The leaf after which it begins; all there are without it"`
	MaxAttempts int    `json:"max_attempts,omitempty" required:"false" minimum:"0" maximum:"100" doc:"How often an event is sent before it is set aside; 12 without it"`
	Reason      string `json:"reason,omitempty" required:"false" maxLength:"2000"`
}

// CreatedWebhook is a webhook, with the secret that its deliveries are signed with.
type CreatedWebhook struct {
	event.Webhook
	Secret string `json:"secret" doc:"Shown here alone, and again when the request is repeated"`
}

// WebhookList is a list of webhooks.
type WebhookList struct {
	Webhooks []event.WebhookStatus `json:"webhooks"`
}

// WebhookAction says why a webhook is changed.
type WebhookAction struct {
	Reason string `json:"reason" minLength:"1" maxLength:"2000"`
}

// CreateWebhook has events sent to a URL. The same key is the same webhook.
func (c *Client) CreateWebhook(ctx context.Context, request CreateWebhook, key string) (CreatedWebhook, error) {
	var created CreatedWebhook
	call, err := post(request, key, "v1", "webhooks")
	if err != nil {
		return created, err
	}
	return created, c.json(ctx, call, &created)
}

// Webhooks returns the webhooks and where each stands.
func (c *Client) Webhooks(ctx context.Context) (WebhookList, error) {
	var list WebhookList
	return list, c.json(ctx, get("v1", "webhooks"), &list)
}

// Webhook returns where a webhook stands.
func (c *Client) Webhook(ctx context.Context, id string) (event.WebhookStatus, error) {
	var status event.WebhookStatus
	return status, c.json(ctx, get("v1", "webhooks", id), &status)
}

// RedriveWebhook sends what was set aside once more.
func (c *Client) RedriveWebhook(ctx context.Context, id string, action WebhookAction) error {
	return c.actOnWebhook(ctx, id, "redrive", action)
}

// DeleteWebhook ends a webhook.
func (c *Client) DeleteWebhook(ctx context.Context, id string, action WebhookAction) error {
	return c.actOnWebhook(ctx, id, "delete", action)
}

func (c *Client) actOnWebhook(ctx context.Context, id, verb string, action WebhookAction) error {
	call, err := post(action, "", "v1", "webhooks", id, verb)
	if err != nil {
		return err
	}
	answer, err := c.do(ctx, call)
	if err != nil {
		return err
	}
	return answer.Body.Close()
}

// deliveryTolerance is how far the clock of a delivery may be from the receiver's.
const deliveryTolerance = 5 * time.Minute

// maxDelivery bounds the body of a delivery, in bytes.
const maxDelivery = 64 << 20

// ReadDelivery returns the event of a delivery, for a receiver of webhooks. It
// refuses what is not signed with the secret. The same event may come again: its
// id, or its leaf, tells.
func ReadDelivery(r *http.Request, secret string, now time.Time) (Event, error) {
	body, err := io.ReadAll(io.LimitReader(r.Body, maxDelivery))
	if err != nil {
		return Event{}, fmt.Errorf("delivery: %w", err)
	}
	if err := event.VerifyWebhook(secret, r.Header.Get(event.HeaderWebhookID), r.Header.Get(event.HeaderWebhookTimestamp),
		r.Header.Get(event.HeaderWebhookSignature), body, now, deliveryTolerance); err != nil {
		return Event{}, fmt.Errorf("delivery: %w", err)
	}
	var e Event
	if err := json.Unmarshal(body, &e); err != nil {
		return Event{}, fmt.Errorf("delivery: %w", err)
	}
	return e, nil
}
