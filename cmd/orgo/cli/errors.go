package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/initkoa/orgo/client"
	"github.com/initkoa/orgo/gates"
)

// The exit codes.
const (
	exitOK      = 0
	exitFailure = 1
	exitUsage   = 2
)

// startHint says how to get a server.
const startHint = "start one with \"go run ./deployments/local\", or set ORGO_URL and ORGO_TOKEN"

// usageError is a command line that cannot mean anything.
type usageError struct{ message string }

func (e *usageError) Error() string { return e.message }

// errDifferent ends a command that compares with exit code 1. Everything has been
// said.
var errDifferent = errors.New("what was compared differs")

// Usage returns the error of a command line that cannot mean anything; it ends a
// command, also an added verb, with exit code 2.
func Usage(format string, args ...any) error {
	return &usageError{message: fmt.Sprintf(format, args...)}
}

// outcomeError is the outcome of a command that did its work and found no
// success. What it found has been printed; the problem sums it up.
type outcomeError struct{ problem client.Problem }

func (e *outcomeError) Error() string { return e.problem.Detail }

// Refused returns the error of a command that did its work and found no success,
// for the given reason; it ends an added verb with exit code 1.
func Refused(code gates.Code, format string, args ...any) error {
	return refusal(code, format, args...)
}

func refusal(code gates.Code, format string, args ...any) *client.Problem {
	reason, _ := gates.Lookup(code)
	return &client.Problem{
		Title: reason.Meaning, ReasonCode: string(code), Class: string(reason.Class),
		Detail: fmt.Sprintf(format, args...), Remedy: reason.Remedy,
	}
}

// finish prints err, if there is one, and returns the exit code.
func (a *app) finish(err error) int {
	if err == nil {
		return exitOK
	}
	if errors.Is(err, errDifferent) {
		return exitFailure
	}
	problem := problemOf(err)
	switch a.settings.Output {
	case formatJSON, formatYAML:
		if printErr := a.printTo(a.streams.Err, problem); printErr != nil {
			fmt.Fprintln(a.streams.Err, "orgo:", err)
		}
	default:
		printProblem(a.streams.Err, problem, errors.As(err, new(*outcomeError)))
	}
	if errors.As(err, new(*usageError)) {
		return exitUsage
	}
	return exitFailure
}

// problemOf gives any error the form of problem details.
func problemOf(err error) client.Problem {
	var (
		badUsage    *usageError
		outcome     *outcomeError
		problem     *client.Problem
		unreachable *client.UnreachableError
		noServer    *client.NoServerError
		foreignLog  *client.LogError
	)
	switch {
	case errors.As(err, &outcome):
		return outcome.problem
	case errors.As(err, &problem):
		return *problem
	case errors.As(err, &badUsage):
		return localProblem(string(gates.RequestInvalid), err, "correct the command line")
	case errors.As(err, &unreachable), errors.As(err, &noServer):
		return localProblem(client.CodeUnreachable, err, startHint)
	case errors.As(err, &foreignLog):
		reason, _ := gates.Lookup(gates.LedgerNotExtended)
		return localProblem(client.CodeNotExtended, err, reason.Remedy)
	case errors.Is(err, context.Canceled):
		return localProblem(client.CodeInterrupted, errors.New("interrupted; what was started goes on, see \"orgo build list\" and \"orgo release list\""), "")
	default:
		return localProblem(client.CodeLocal, err, "")
	}
}

func localProblem(code string, err error, remedy string) client.Problem {
	reason, _ := gates.Lookup(gates.Code(code))
	title := reason.Meaning
	if title == "" {
		title = "the command was not carried out"
	}
	return client.Problem{Title: title, ReasonCode: code, Class: string(reason.Class), Detail: err.Error(), Remedy: remedy}
}

// printProblem prints a problem for people. Of an outcome all but the sum has
// been printed before.
func printProblem(w io.Writer, p client.Problem, outcome bool) {
	detail := p.Detail
	if detail == "" {
		detail = p.Title
	}
	fmt.Fprintf(w, "orgo: %s\n", detail)
	if outcome {
		return
	}
	for _, e := range p.Errors {
		place := e.Location
		if place == "" {
			place = e.Code
		}
		if e.Message == p.Detail {
			continue
		}
		fmt.Fprintf(w, "  at %s: %s\n", place, e.Message)
	}
	if p.Class != "" {
		fmt.Fprintf(w, "  reason: %s (%s): %s\n", p.ReasonCode, p.Class, p.Title)
	} else {
		fmt.Fprintf(w, "  reason: %s\n", p.ReasonCode)
	}
	if p.Remedy != "" {
		fmt.Fprintf(w, "  remedy: %s\n", strings.TrimSpace(p.Remedy))
	}
	if p.Instance != "" && p.Status >= 500 {
		fmt.Fprintf(w, "  request: %s\n", p.Instance)
	}
}
