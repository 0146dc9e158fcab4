package control

import (
	"context"
	"errors"
	"fmt"

	"go.temporal.io/api/serviceerror"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"

	httprunner "github.com/initkoa/orgo/activities/runner/http"
	"github.com/initkoa/orgo/api"
	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/records/event"
	"github.com/initkoa/orgo/records/store"
	"github.com/initkoa/orgo/workflows"
)

// Webhooks is the control over webhooks. Each is a workflow; what is recorded comes
// first, so that a request that was interrupted can be repeated.
type Webhooks struct {
	Temporal  client.Client
	Namespace string
	Store     Store
	Clock     Clock
	// Key is what the secrets are derived from.
	Key []byte
}

var _ api.Webhooks = Webhooks{}

// Create records a webhook and starts it. The same webhook is created once.
func (w Webhooks) Create(ctx context.Context, organization string, webhook event.Webhook, by api.Identity, reason string) (secret string, err error) {
	if len(w.Key) < httprunner.CallbackKeyMin {
		return "", refuse(gates.RequestInvalid, nil, "this server serves no webhooks: it has no --callback-key of %d bytes or more", httprunner.CallbackKeyMin)
	}
	entry, err := w.entry(organization, webhook.ID, event.TypeWebhookCreated, "created", by, reason, webhook)
	if err != nil {
		return "", err
	}
	_, err = w.Store.Append(ctx, entry)
	if errors.As(err, new(*store.EntryConflict)) {
		return "", refuse(gates.IdempotencyKeyReused, err, "the idempotency key belongs to webhook %s, which is another one", webhook.ID)
	}
	if err != nil {
		return "", err
	}
	err = startOnce(ctx, w.Temporal, client.StartWorkflowOptions{
		ID:                    workflows.WebhookWorkflowID(organization, webhook.ID),
		StaticSummary:         "webhook to " + webhook.URL,
		TypedSearchAttributes: workflows.OrganizationSearchAttributes(organization),
	}, workflows.WebhookWorkflow, workflows.WebhookInput{
		Organization: organization,
		Status:       event.WebhookStatus{Webhook: webhook, Cursor: webhook.After, DeadLetters: []event.DeadLetter{}},
	})
	if err != nil {
		return "", refuse(gates.TemporalUnavailable, err, "webhook %s is recorded and not started: repeat the request", webhook.ID)
	}
	return event.WebhookSecret(w.Key, organization, webhook.ID), nil
}

func (w Webhooks) entry(organization, id, entryType, discriminator string, by api.Identity, reason string, body any) (records.Entry, error) {
	return records.NewEntry(records.Entry{
		Organization: organization, Kind: records.KindEvent, Type: entryType,
		Subject: records.Subject{Kind: event.SubjectWebhook, ID: id}, At: w.Clock.Now(), Actor: by.Actor, Reason: reason,
	}, discriminator, body)
}

// Status returns where a webhook stands.
func (w Webhooks) Status(ctx context.Context, organization, id string) (event.WebhookStatus, error) {
	var status event.WebhookStatus
	answer, err := w.Temporal.QueryWorkflow(ctx, workflows.WebhookWorkflowID(organization, id), "", workflows.QueryWebhook)
	if err != nil {
		return status, webhookFault(id, err)
	}
	return status, answer.Get(&status)
}

// maxWebhooks is how many webhooks are listed.
const maxWebhooks = 100

// List returns the webhooks of an organization that are served.
func (w Webhooks) List(ctx context.Context, organization string) ([]event.WebhookStatus, error) {
	listed, err := w.Temporal.ListWorkflow(ctx, &workflowservice.ListWorkflowExecutionsRequest{
		Namespace: w.Namespace, PageSize: maxWebhooks,
		Query: fmt.Sprintf("WorkflowType = '%s' AND %s = '%s' AND ExecutionStatus = 'Running'",
			workflows.WebhookWorkflow, workflows.AttributeOrganization, organization),
	})
	if err != nil {
		return nil, refuse(gates.TemporalUnavailable, err, "webhooks cannot be listed")
	}
	statuses := []event.WebhookStatus{}
	prefix := workflows.WebhookWorkflowID(organization, "")
	for _, execution := range listed.GetExecutions() {
		status, err := w.Status(ctx, organization, execution.GetExecution().GetWorkflowId()[len(prefix):])
		if err != nil {
			return nil, err
		}
		statuses = append(statuses, status)
	}
	return statuses, nil
}

// webhookActions says what each update of a webhook is recorded as.
var webhookActions = map[string]string{
	workflows.UpdateRedrive: event.TypeWebhookRedriven,
	workflows.UpdateDelete:  event.TypeWebhookDeleted,
}

// Redrive sends what was set aside once more.
func (w Webhooks) Redrive(ctx context.Context, organization, id string, by api.Identity, reason string) error {
	return w.act(ctx, organization, id, workflows.UpdateRedrive, by, reason)
}

// Delete ends a webhook.
func (w Webhooks) Delete(ctx context.Context, organization, id string, by api.Identity, reason string) error {
	return w.act(ctx, organization, id, workflows.UpdateDelete, by, reason)
}

// act records what an operator does to a webhook, with where it stood before, and
// does it.
func (w Webhooks) act(ctx context.Context, organization, id, name string, by api.Identity, reason string) error {
	before, err := w.Status(ctx, organization, id)
	if err != nil {
		return err
	}
	if before.Deleted {
		return refuse(gates.InvalidTransition, nil, "webhook %s was deleted", id)
	}
	change := event.WebhookChanged{Before: before, After: before}
	change.After.Deleted = name == workflows.UpdateDelete
	entry, err := w.entry(organization, id, webhookActions[name], fmt.Sprintf("%s/%d", name, w.Clock.Now().UnixNano()), by, reason, change)
	if err != nil {
		return err
	}
	if _, err := w.Store.Append(ctx, entry); err != nil {
		return err
	}
	if err := update(ctx, w.Temporal, client.UpdateWorkflowOptions{
		WorkflowID: workflows.WebhookWorkflowID(organization, id), UpdateName: name, UpdateID: entry.ID,
	}); err != nil {
		return webhookFault(id, err)
	}
	return nil
}

func webhookFault(id string, err error) error {
	var missing *serviceerror.NotFound
	if errors.As(err, &missing) {
		return refuse(gates.NotFound, err, "there is no webhook %s", id)
	}
	return refuse(gates.TemporalUnavailable, err, "webhook %s did not answer", id)
}
