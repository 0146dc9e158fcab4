package runner

import (
	"slices"
	"strings"
	"unicode"

	"github.com/initkoa/orgo/gates"
)

// ReportedError is how a program or a service names its own failure, in the
// member "error" of what it answers.
type ReportedError struct {
	Code    gates.Code `json:"code,omitempty"`
	Message string     `json:"message"`
	// Final says whether trying again unchanged is useless; absent leaves it to the
	// table of reasons.
	Final *bool `json:"final,omitempty"`
}

// reportable are the classes whose codes a runner may use: those about the work
// itself. Verification, safety and governance are for Orgo to judge.
var reportable = []gates.Class{gates.ClassInput, gates.ClassClaims, gates.ClassCompile}

// reportedMessageMax bounds a reported message, in bytes.
const reportedMessageMax = 2 << 10

// Failure turns what was reported by a runner (named as in "command /opt/x") into
// a failure. A code that is not known, or not for runners to use, becomes
// gates.RunnerFailed and is told in the message.
func (e ReportedError) Failure(by string) *Failure {
	code, message := e.Code, oneLine(e.Message)
	reason, known := gates.Lookup(code)
	if !known || !slices.Contains(reportable, reason.Class) {
		if code != "" {
			message = oneLine(string(code)) + ": " + message
		}
		code = gates.RunnerFailed
	}
	failure := Fail(code, nil, "%s reports: %s", by, message)
	if e.Final != nil {
		failure.Final = *e.Final
	}
	return failure
}

// oneLine makes foreign text safe for a log line or a table.
func oneLine(s string) string {
	s = strings.ToValidUTF8(s[:min(len(s), reportedMessageMax)], "")
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return ' '
	}, s))
}
