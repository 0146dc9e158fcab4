package workflows

import (
	"errors"
	"fmt"
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/initkoa/orgo/activities"
	"github.com/initkoa/orgo/records/event"
)

// WebhookWorkflow is the type of the workflow that serves a webhook.
const WebhookWorkflow = "orgo.webhook"

// The activities of a webhook.
const (
	ActivityDeliver  = "orgo.webhook.deliver"
	ActivitySetAside = "orgo.webhook.set-aside"
)

// The updates and the query of a webhook.
const (
	UpdateRedrive = "redrive"
	UpdateDelete  = "delete"
	QueryWebhook  = "webhook"
)

// WebhookWorkflowID returns the id of the workflow that serves a webhook.
func WebhookWorkflowID(organization, id string) string {
	return fmt.Sprintf("webhook/%s/%s", organization, id)
}

// WebhookInput starts a webhook, or goes on with it.
type WebhookInput struct {
	Organization string              `json:"organization"`
	Status       event.WebhookStatus `json:"status"`
}

// Limits of a webhook.
const (
	deliverHeartbeat = 10 * time.Second // and an interruption takes no longer to arrive
	deliverPatience  = time.Hour        // for one activity; it returns long before
	firstPause       = time.Second
	longestPause     = 5 * time.Minute
	// maxDeadLetters is how many are kept for a redrive. Older ones are in the log.
	maxDeadLetters = 1000
	maxSendError   = 500 // bytes of a receiver's error that are kept
)

// webhook is the state of one webhook workflow.
type webhook struct {
	in      WebhookInput
	redrive bool
	cancel  workflow.CancelFunc // of the delivery that runs
}

// Webhook sends events to one receiver, in order and each at least once, until it
// is deleted. An event that is not taken is sent again, with longer and longer
// pauses; after too many attempts it is recorded and set aside.
func Webhook(ctx workflow.Context, in WebhookInput) error {
	w := &webhook{in: in}
	if err := w.handle(ctx); err != nil {
		return err
	}
	for !w.in.Status.Deleted {
		// What was asked for is done by the run that was asked.
		if !w.redrive && workflow.GetInfo(ctx).GetContinueAsNewSuggested() && workflow.AllHandlersFinished(ctx) {
			return workflow.NewContinueAsNewError(ctx, WebhookWorkflow, w.in)
		}
		if err := w.step(ctx); err != nil {
			return err
		}
	}
	return nil
}

func (w *webhook) handle(ctx workflow.Context) error {
	w.show(ctx)
	if err := workflow.SetQueryHandlerWithOptions(ctx, QueryWebhook,
		func() (event.WebhookStatus, error) { return w.in.Status, nil },
		workflow.QueryHandlerOptions{Description: "Where the webhook stands: its cursor and what was set aside."}); err != nil {
		return err
	}
	if err := workflow.SetUpdateHandlerWithOptions(ctx, UpdateRedrive, func(workflow.Context) error {
		w.redrive = true
		w.interrupt()
		return nil
	}, workflow.UpdateHandlerOptions{Description: "Sends what was set aside once more."}); err != nil {
		return err
	}
	return workflow.SetUpdateHandlerWithOptions(ctx, UpdateDelete, func(workflow.Context) error {
		w.in.Status.Deleted = true
		w.interrupt()
		return nil
	}, workflow.UpdateHandlerOptions{Description: "Ends the webhook."})
}

// interrupt ends the delivery that runs; what it sent counts.
func (w *webhook) interrupt() {
	if w.cancel != nil {
		w.cancel()
	}
}

// step sends what was set aside, if that was asked for, or what comes next.
func (w *webhook) step(ctx workflow.Context) error {
	if w.redrive {
		w.redrive = false
		return w.sendAside(ctx)
	}
	status := &w.in.Status
	out, err := w.deliver(ctx, status.Cursor, false)
	if err != nil {
		return err
	}
	status.Delivered += out.Sent
	if out.Sent > 0 || out.Cursor > status.Cursor {
		status.Attempts, status.LastError = 0, ""
	}
	status.Cursor = out.Cursor
	if out.Failed != nil {
		return w.failed(ctx, *out.Failed)
	}
	w.show(ctx)
	return nil
}

// failed pauses before the next attempt, or sets the event aside.
func (w *webhook) failed(ctx workflow.Context, letter event.DeadLetter) error {
	status := &w.in.Status
	status.Attempts++
	status.LastError = clip(letter.Error)
	w.show(ctx)
	if status.Attempts < status.MaxAttempts {
		pause := min(firstPause<<min(status.Attempts-1, 20), longestPause)
		_, err := await(ctx, pause, fmt.Sprintf("tries again, for the %d. time", status.Attempts+1), func() bool { return w.in.Status.Deleted || w.redrive })
		return err
	}
	letter.Attempts, letter.Error = status.Attempts, clip(letter.Error)
	in := activities.SetAsideInput{Organization: w.in.Organization, WebhookID: status.ID, Letter: letter}
	if err := workflow.ExecuteLocalActivity(bookkeeping(ctx, "set an event aside"), ActivitySetAside, in).Get(ctx, nil); err != nil {
		return err
	}
	status.DeadLetters = append(status.DeadLetters, letter)
	if more := len(status.DeadLetters) - maxDeadLetters; more > 0 {
		status.DeadLetters = status.DeadLetters[more:]
	}
	status.Cursor, status.Attempts, status.LastError = letter.Leaf, 0, ""
	w.show(ctx)
	return nil
}

// sendAside sends each event that was set aside once more. What is not taken stays.
func (w *webhook) sendAside(ctx workflow.Context) error {
	status := &w.in.Status
	letters := status.DeadLetters
	var left []event.DeadLetter
	for i, letter := range letters {
		if w.in.Status.Deleted {
			left = append(left, letters[i:]...)
			break
		}
		out, err := w.deliver(ctx, letter.Leaf-1, true)
		if err != nil {
			return err
		}
		status.Delivered += out.Sent
		if out.Sent == 0 {
			letter.Attempts++
			if out.Failed != nil {
				letter.Error = clip(out.Failed.Error)
			}
			left = append(left, letter)
		}
	}
	status.DeadLetters = left
	w.show(ctx)
	return nil
}

// deliver runs the activity, again and again where a worker dies or the log cannot
// be read.
func (w *webhook) deliver(ctx workflow.Context, after int64, only bool) (out activities.Delivered, err error) {
	ctx, w.cancel = workflow.WithCancel(workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		StartToCloseTimeout: deliverPatience, HeartbeatTimeout: deliverHeartbeat, WaitForCancellation: true,
		RetryPolicy: &temporal.RetryPolicy{InitialInterval: time.Second, BackoffCoefficient: 2, MaximumInterval: longestPause},
		Summary:     fmt.Sprintf("events after leaf %d", after),
	}))
	defer func() { w.cancel(); w.cancel = nil }()
	err = workflow.ExecuteActivity(ctx, ActivityDeliver, activities.DeliverInput{
		Organization: w.in.Organization, Webhook: w.in.Status.Webhook, After: after, Only: only,
	}).Get(ctx, &out)
	if errors.As(err, new(*temporal.CanceledError)) {
		return activities.Delivered{Cursor: after}, nil // what it may have sent is sent again
	}
	return out, err
}

// clip bounds what a receiver said.
func clip(text string) string { return text[:min(len(text), maxSendError)] }

// show writes where the webhook stands into the Temporal Web UI.
func (w *webhook) show(ctx workflow.Context) {
	s := w.in.Status
	text := fmt.Sprintf("| | |\n| --- | --- |\n| to | `%s` |\n| behind | leaf %d |\n| delivered | %d |\n| set aside | %d |\n",
		s.URL, s.Cursor, s.Delivered, len(s.DeadLetters))
	if s.Attempts > 0 {
		text += fmt.Sprintf("| attempts at the next | %d of %d: %s |\n", s.Attempts, s.MaxAttempts, s.LastError)
	}
	workflow.SetCurrentDetails(ctx, text)
}
