package client

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// Problem is a refusal or failure as problem details (RFC 9457), with Orgo's
// stable reason code and what to do about it.
type Problem struct {
	Type       string         `json:"type,omitempty" format:"uri-reference" doc:"Where the reason code is explained"`
	Title      string         `json:"title" doc:"The meaning of the reason code"`
	Status     int            `json:"status,omitempty" doc:"The HTTP status"`
	Detail     string         `json:"detail,omitempty" doc:"What happened this time"`
	Instance   string         `json:"instance,omitempty" format:"uri-reference" doc:"The id of the request"`
	ReasonCode string         `json:"reason_code" doc:"The stable reason code"`
	Class      string         `json:"class,omitempty" doc:"The class of the failure"`
	Remedy     string         `json:"remedy,omitempty" doc:"What would help"`
	Errors     []ProblemError `json:"errors,omitempty" doc:"Each single error and its place"`
	Conflict   *Conflict      `json:"conflict,omitempty" doc:"What a stale writer has not seen"`
}

// Conflict is what a writer has not seen whose version is not the newest any more.
type Conflict struct {
	Seen    int64 `json:"seen_version"`
	Current int64 `json:"current_version"`
	// Changes are what came after the version that was seen, in order; no more than the
	// first 100.
	Changes []Change `json:"changes"`
}

// Change is one thing that happened to a Case.
type Change struct {
	Version int64     `json:"version"`
	Type    string    `json:"type"` // of the entry
	Actor   string    `json:"actor"`
	At      time.Time `json:"at"`
	To      string    `json:"to,omitempty"` // the state that it led to
	TaskID  string    `json:"task_id,omitempty"`
	Reason  string    `json:"reason,omitempty"`
}

// ProblemError is one of the errors of a problem. Location is the place in the
// request, "body.inputs[0].uri", or the place in a build, "validate/1".
type ProblemError struct {
	Location string `json:"location,omitempty"`
	Message  string `json:"message"`
	Code     string `json:"code,omitempty"`
	Remedy   string `json:"remedy,omitempty"`
	Value    any    `json:"value,omitempty"`
}

// Error returns the code, the detail and every single error.
func (p *Problem) Error() string {
	var text strings.Builder
	fmt.Fprintf(&text, "%s: %s", p.ReasonCode, firstNonEmpty(p.Detail, p.Title))
	for _, e := range p.Errors {
		text.WriteString("; ")
		if e.Location != "" {
			text.WriteString(e.Location + ": ")
		}
		text.WriteString(e.Message)
	}
	return text.String()
}

// UnreachableError says that no server answered.
type UnreachableError struct {
	URL   string
	Cause error
}

// Error names the server and the cause.
func (e *UnreachableError) Error() string {
	return fmt.Sprintf("no Orgo server answers at %s: %v", e.URL, e.Cause)
}

// Unwrap returns the cause.
func (e *UnreachableError) Unwrap() error { return e.Cause }

// problemOf reads the problem in an answer; an answer that holds none, such as
// a proxy's, becomes one without a reason code of Orgo's own.
func problemOf(status int, body []byte) *Problem {
	var problem Problem
	if err := json.Unmarshal(body, &problem); err != nil || problem.ReasonCode == "" {
		return &Problem{
			Title:      http.StatusText(status),
			Status:     status,
			ReasonCode: codeUnexpected,
			Detail:     fmt.Sprintf("status %d without problem details: %.200q", status, body),
			Remedy:     "check that the URL is that of an Orgo server",
		}
	}
	return &problem
}

func firstNonEmpty(values ...string) string {
	for _, value := range values {
		if value != "" {
			return value
		}
	}
	return ""
}

// Reason codes of what goes wrong before a server has answered. They are no part
// of the server's table.
const (
	CodeUnreachable = "SERVER_UNREACHABLE"
	CodeInterrupted = "INTERRUPTED"
	CodeLocal       = "COMMAND_FAILED"
	codeUnexpected  = "UNEXPECTED_ANSWER"
)
