package api

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/initkoa/orgo/client"
	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/records/event"
)

func (s *server) registerWebhooks(api huma.API) {
	guarded(s, api, huma.Operation{
		OperationID: "create-webhook", Method: http.MethodPost, Path: "/v1/webhooks", Tags: []string{"webhooks"},
		Summary: "Have events sent to a URL", MaxBodyBytes: actionBytes, DefaultStatus: http.StatusCreated,
		Description: "Events are sent in order, each at least once, as CloudEvents 1.0 in JSON, signed as Standard Webhooks has it.",
	}, s.createWebhook)
	guarded(s, api, huma.Operation{
		OperationID: "list-webhooks", Method: http.MethodGet, Path: "/v1/webhooks", Tags: []string{"webhooks"},
		Summary: "List the webhooks, and where each stands",
	}, s.listWebhooks)
	guarded(s, api, huma.Operation{
		OperationID: "get-webhook", Method: http.MethodGet, Path: "/v1/webhooks/{id}", Tags: []string{"webhooks"},
		Summary: "Get a webhook: its cursor, and what was set aside",
	}, s.getWebhook)
	guarded(s, api, huma.Operation{
		OperationID: "redrive-webhook", Method: http.MethodPost, Path: "/v1/webhooks/{id}/redrive", Tags: []string{"webhooks"},
		Summary: "Send what was set aside once more", MaxBodyBytes: actionBytes,
	}, func(ctx context.Context, caller Identity, in *webhookAction) (*struct{}, error) {
		return nil, s.webhooks.Redrive(ctx, caller.Organization, in.ID, caller, in.Body.Reason)
	})
	guarded(s, api, huma.Operation{
		OperationID: "delete-webhook", Method: http.MethodPost, Path: "/v1/webhooks/{id}/delete", Tags: []string{"webhooks"},
		Summary: "End a webhook", MaxBodyBytes: actionBytes,
	}, func(ctx context.Context, caller Identity, in *webhookAction) (*struct{}, error) {
		return nil, s.webhooks.Delete(ctx, caller.Organization, in.ID, caller, in.Body.Reason)
	})
}

type createWebhookInput struct {
	IdempotencyKey string `header:"Idempotency-Key" required:"true" minLength:"1" maxLength:"200" pattern:"^[!-~]+$" doc:"Names the request: the same key is the same webhook"`
	Body           client.CreateWebhook
}

// defaultSendings is how often an event is sent before it is set aside, which takes
// about half an hour.
const defaultSendings = 12

func (s *server) createWebhook(ctx context.Context, caller Identity, in *createWebhookInput) (*struct{ Body client.CreatedWebhook }, error) {
	webhook := event.Webhook{
		ID:  records.WebhookID(caller.Organization, in.IdempotencyKey),
		URL: in.Body.URL, Filter: in.Body.Filter, MaxAttempts: in.Body.MaxAttempts,
	}
	if err := webhook.CheckURL(); err != nil {
		return nil, invalid("body.url", "%v", err)
	}
	if err := webhook.Filter.Check(); err != nil {
		return nil, badFilter("body.filter", err)
	}
	if webhook.MaxAttempts == 0 {
		webhook.MaxAttempts = defaultSendings
	}
	webhook.After = client.FromTheBeginning
	if in.Body.After != nil {
		webhook.After = *in.Body.After
	}
	size, err := s.ledger.LogSize(ctx)
	if err != nil {
		return nil, err
	}
	if webhook.After >= size {
		return nil, invalid("body.after", "is leaf %d, and the log ends with leaf %d", webhook.After, size-1)
	}
	secret, err := s.webhooks.Create(ctx, caller.Organization, webhook, caller, in.Body.Reason)
	return &struct{ Body client.CreatedWebhook }{client.CreatedWebhook{Webhook: webhook, Secret: secret}}, err
}

func (s *server) listWebhooks(ctx context.Context, caller Identity, _ *struct{}) (*struct{ Body client.WebhookList }, error) {
	list, err := s.webhooks.List(ctx, caller.Organization)
	return &struct{ Body client.WebhookList }{client.WebhookList{Webhooks: list}}, err
}

// WebhookPath names a webhook.
type WebhookPath struct {
	ID string `path:"id" maxLength:"100"`
}

func (s *server) getWebhook(ctx context.Context, caller Identity, in *WebhookPath) (*struct{ Body event.WebhookStatus }, error) {
	status, err := s.webhooks.Status(ctx, caller.Organization, in.ID)
	return &struct{ Body event.WebhookStatus }{status}, err
}

type webhookAction struct {
	WebhookPath
	Body client.WebhookAction
}
