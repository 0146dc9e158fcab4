package records

import "encoding/json"

// Types of the entries by which workflows are asked for something and answer. A
// message to a workflow only says that there is one: what is asked, and by whom,
// is in the entry. So nobody can ask in another's name through Temporal, and an
// action is carried out once, however often a message says that it is there.
const (
	// TypeActionRequested: an operator, known by a token, asks for an action.
	TypeActionRequested = "orgo.operator-action.requested"
	// TypeActionAsked: one of Orgo's workflows asks another.
	TypeActionAsked = "orgo.action.asked"
	// TypeActionAccepted and TypeActionRefused: what became of either.
	TypeActionAccepted = "orgo.action.accepted"
	TypeActionRefused  = "orgo.action.refused"
)

// Command is the body of TypeActionRequested and TypeActionAsked. The entry has the
// actor, the reason and the time.
type Command struct {
	Action    string          `json:"action"`
	Arguments json.RawMessage `json:"arguments,omitempty"`
	// Roles are those that the actor had when asking.
	Roles []string `json:"roles,omitempty"`
}

// CommandOutcome is the body of TypeActionAccepted and TypeActionRefused. Before and
// After are the state of the subject.
type CommandOutcome struct {
	Command string `json:"command"` // the id of the entry that asked
	Action  string `json:"action"`
	Code    string `json:"reason_code,omitempty"` // of a refusal
	Message string `json:"message,omitempty"`
	Before  string `json:"before,omitempty"`
	After   string `json:"after,omitempty"`
}

// Accepted reports whether the action was carried out.
func (o CommandOutcome) Accepted() bool { return o.Code == "" }
