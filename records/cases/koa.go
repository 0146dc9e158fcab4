package cases

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/initkoa/orgo/records"
)

// KOACase is the interop form of a Case (CONTRACTS §1): exactly these keys, at every
// level but in data, which is open.
type KOACase struct {
	CaseID         string      `json:"case_id"`
	OrganizationID string      `json:"organization_id"`
	Source         Source      `json:"source"`
	Type           string      `json:"type"`
	Category       Category    `json:"category"`
	Label          string      `json:"label"`
	Status         Status      `json:"status"`
	Priority       Priority    `json:"priority"`
	Severity       string      `json:"severity,omitempty"`
	Visibility     Visibility  `json:"visibility"`
	Owners         []Owner     `json:"owners"`
	Summary        string      `json:"summary,omitempty"`
	Description    string      `json:"description,omitempty"`
	Tags           []string    `json:"tags,omitempty"`
	PolicyContext  *KOAPolicy  `json:"policy_context,omitempty"`
	Refs           []Ref       `json:"refs,omitempty"`
	Tasks          []string    `json:"tasks,omitempty"`
	DueAt          *time.Time  `json:"due_at,omitempty"`
	SLA            *KOATimes   `json:"sla,omitempty"`
	CreatedAt      time.Time   `json:"created_at"`
	UpdatedAt      time.Time   `json:"updated_at"`
	Audit          []KOAAction `json:"audit,omitempty"`
}

// KOAPolicy is the policy that routed a Case, and the rule of it.
type KOAPolicy struct {
	MandateRef records.Digest `json:"mandate_ref"`
	PolicyRefs []string       `json:"policy_refs"`
}

// KOATimes are the deadlines of a Case that has both.
type KOATimes struct {
	ResponseDueAt time.Time `json:"response_due_at"`
	ResolveDueAt  time.Time `json:"resolve_due_at"`
}

// KOAAction is one entry of a Case.
type KOAAction struct {
	EventID   string          `json:"event_id"`
	Timestamp time.Time       `json:"timestamp"`
	Actor     KOAActor        `json:"actor"`
	EventType string          `json:"event_type"`
	Reason    string          `json:"reason,omitempty"`
	Data      json.RawMessage `json:"data,omitempty"`
}

// KOAActor is who did it: Orgo itself is a service, everybody else is a user.
type KOAActor struct {
	Kind OwnerKind `json:"kind"`
	ID   string    `json:"id"`
}

// KOA returns the interop form of the Case. audit are the entries of its subject, in
// order.
func (c *Case) KOA(audit []records.Entry) KOACase {
	koa := KOACase{
		CaseID: c.CaseID, OrganizationID: c.Organization, Source: c.Source, Type: c.Type, Category: c.Category,
		Label: c.Route.Label, Status: c.Status, Priority: c.Route.Priority, Severity: c.Route.Severity, Visibility: c.Route.Visibility,
		Owners: c.Owners, Summary: c.Summary, Description: c.Description, Tags: c.Tags, Refs: c.Refs,
		DueAt: utc(c.Resolve.Due), CreatedAt: c.CreatedAt.UTC(), UpdatedAt: c.UpdatedAt.UTC(),
	}
	if c.Route.Policy != nil {
		koa.PolicyContext = &KOAPolicy{MandateRef: *c.Route.Policy, PolicyRefs: []string{c.Route.Rule}}
	}
	if c.Response.Due != nil && c.Resolve.Due != nil {
		koa.SLA = &KOATimes{ResponseDueAt: c.Response.Due.UTC(), ResolveDueAt: c.Resolve.Due.UTC()}
	}
	for _, t := range c.Tasks {
		koa.Tasks = append(koa.Tasks, t.TaskID)
	}
	for _, e := range audit {
		actor := KOAActor{Kind: User, ID: e.Actor}
		if e.Actor == records.SystemActor {
			actor.Kind = Service
		}
		koa.Audit = append(koa.Audit, KOAAction{
			EventID: e.ID, Timestamp: e.At.UTC(), Actor: actor, EventType: e.Type, Reason: e.Reason, Data: e.Body,
		})
	}
	return koa
}

// KOATask is the interop form of a Task (CONTRACTS §1): exactly these keys, at every
// level but in metadata, which is open.
type KOATask struct {
	TaskID         string     `json:"task_id"`
	OrganizationID string     `json:"organization_id"`
	CaseID         string     `json:"case_id"`
	Source         Source     `json:"source"`
	SourceRef      string     `json:"source_reference,omitempty"`
	Type           string     `json:"type"`
	Category       Category   `json:"category"`
	Label          string     `json:"label"`
	Title          string     `json:"title,omitempty"`
	Description    string     `json:"description,omitempty"`
	Status         TaskStatus `json:"status"`
	Priority       Priority   `json:"priority"`
	Severity       string     `json:"severity"`
	Visibility     string     `json:"visibility"`
	CreatedBy      string     `json:"created_by_user_id,omitempty"`
	OwnerRole      string     `json:"owner_role_id,omitempty"` // a team or a service
	OwnerUser      string     `json:"owner_user_id,omitempty"`
	DueAt          *time.Time `json:"due_at,omitempty"`
	// ReactivityTime is how long there was to begin, without pauses: an ISO 8601
	// duration. ReactivityDeadlineAt is when that is over, with them.
	ReactivityTime       string      `json:"reactivity_time,omitempty"`
	ReactivityDeadlineAt *time.Time  `json:"reactivity_deadline_at,omitempty"`
	EscalationLevel      int         `json:"escalation_level"`
	CreatedAt            time.Time   `json:"created_at"`
	UpdatedAt            time.Time   `json:"updated_at"`
	ClosedAt             *time.Time  `json:"closed_at,omitempty"`
	Metadata             KOAMetadata `json:"metadata"`
}

// KOAMetadata is what Orgo says of a Task besides.
type KOAMetadata struct {
	Key        string `json:"key"`
	Resolution string `json:"resolution,omitempty"`
}

// The severities and visibilities of a Task, by those of its Case. What is no incident
// is minor.
var (
	koaSeverities   = map[string]string{"SEV1": "CRITICAL", "SEV2": "MAJOR", "SEV3": "MODERATE", "SEV4": "MINOR", "": "MINOR"}
	koaVisibilities = map[Visibility]string{Internal: "INTERNAL", Private: "RESTRICTED", Public: "PUBLIC"}
)

// KOATask returns the interop form of a Task of the Case.
func (c *Case) KOATask(t Task) KOATask {
	koa := KOATask{
		TaskID: t.TaskID, OrganizationID: c.Organization, CaseID: c.CaseID, Source: t.Source, SourceRef: c.Cause.String(),
		Type: t.Type, Category: t.Category, Label: t.Label, Title: t.Title, Description: t.Description,
		Status: t.Status, Priority: t.Priority, Severity: koaSeverities[c.Route.Severity], Visibility: koaVisibilities[c.Route.Visibility],
		DueAt: utc(t.Due.Due), ReactivityTime: isoDuration(t.Reactivity.Within.Std()), ReactivityDeadlineAt: utc(t.Reactivity.Due),
		EscalationLevel: t.Escalation, CreatedAt: t.CreatedAt.UTC(), UpdatedAt: t.UpdatedAt.UTC(), ClosedAt: utc(t.ClosedAt),
		Metadata: KOAMetadata{Key: t.Key, Resolution: t.Resolution},
	}
	if t.CreatedBy != records.SystemActor {
		koa.CreatedBy = t.CreatedBy
	}
	if t.Owner.Kind == User {
		koa.OwnerUser = t.Owner.ID
	} else {
		koa.OwnerRole = t.Owner.ID
	}
	return koa
}

// utc returns a time in the one zone that the interop form has.
func utc(t *time.Time) *time.Time {
	if t == nil {
		return nil
	}
	at := t.UTC()
	return &at
}

// isoDuration writes a span as RFC 3339, Appendix A has ISO 8601: in hours, minutes and
// whole seconds, none left out between two. A part of a second counts as one. No span
// is no text.
func isoDuration(d time.Duration) string {
	if d <= 0 {
		return ""
	}
	text := "PT"
	all := int64((d + time.Second - 1) / time.Second)
	hours, minutes, seconds := all/3600, all%3600/60, all%60
	if hours > 0 {
		text += fmt.Sprintf("%dH", hours)
	}
	if minutes > 0 || hours > 0 && seconds > 0 {
		text += fmt.Sprintf("%dM", minutes)
	}
	if seconds > 0 {
		text += fmt.Sprintf("%dS", seconds)
	}
	return text
}
