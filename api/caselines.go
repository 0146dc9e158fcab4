package api

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/initkoa/orgo/client"
	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/records/cases"
	"github.com/initkoa/orgo/records/store"
)

// Bounds of an import, and how many refusals are told.
const (
	importLines    = 10_000
	importLine     = 1 << 20 // bytes
	importRefusals = 100
)

func (s *server) registerCaseLines(api huma.API) {
	lines := map[string]*huma.MediaType{records.MediaJSONLines: {Schema: &huma.Schema{Type: huma.TypeString}}}
	guarded(s, api, huma.Operation{
		OperationID: "export-cases", Method: http.MethodGet, Path: "/v1/cases/export", Tags: []string{"cases"},
		Summary:     "Write cases as JSON Lines",
		Description: "Each line is what an import takes. Pages of limit cases are read until there is no more. An answer that has begun and cannot be ended breaks off.",
		Responses:   map[string]*huma.Response{"200": {Description: "The cases, each on a line", Content: lines}},
	}, s.exportCases)
	guarded(s, api, huma.Operation{
		OperationID: "import-cases", Method: http.MethodPost, Path: "/v1/cases/import", Tags: []string{"cases"},
		Summary: "Open a case for each line of JSON Lines that there is none for",
		Description: "Every line names itself by case_id or source_reference: importing it again changes nothing. A line that is refused is told with its place, " +
			"and the others are imported; with atomic, none is. At most 16 MiB and 10,000 lines.",
		RequestBody: &huma.RequestBody{Required: true, Content: lines},
	}, s.importCases)
}

func (s *server) exportCases(ctx context.Context, caller Identity, in *CaseSelection) (*huma.StreamResponse, error) {
	query, err := in.query(caller)
	if err != nil {
		return nil, err
	}
	// The first page is read before the answer begins, so that a failure is told as such.
	page, next, err := s.cases.Cases(ctx, caller, query)
	if err != nil {
		return nil, err
	}
	return &huma.StreamResponse{Body: func(ctx huma.Context) {
		ctx.SetHeader("Content-Type", records.MediaJSONLines)
		ctx.SetStatus(http.StatusOK)
		if err := s.sendLines(ctx, caller, query, page, next); err != nil {
			s.log.ErrorContext(ctx.Context(), "an export of cases was not sent to its end", "request_id", infoOf(ctx.Context()).id, "error", err)
			panic(http.ErrAbortHandler)
		}
	}}, nil
}

func (s *server) sendLines(ctx huma.Context, caller Identity, query store.CaseQuery, page []cases.Case, next string) error {
	for {
		for _, found := range page {
			if err := s.format.Marshal(ctx.BodyWriter(), lineOf(found)); err != nil {
				return err
			}
		}
		if next == "" {
			return nil
		}
		query.Cursor = next
		var err error
		if page, next, err = s.cases.Cases(ctx.Context(), caller, query); err != nil {
			return err
		}
	}
}

// lineOf returns a Case as a line.
func lineOf(c cases.Case) client.CaseLine {
	created, updated, cause := c.CreatedAt, c.UpdatedAt, c.Cause
	line := client.CaseLine{
		CaseID: c.CaseID, Source: c.Source, Type: c.Type, Category: c.Category, Summary: c.Summary, Description: c.Description,
		Tags: c.Tags, Refs: c.Refs, Codes: c.Codes, Status: c.Status, Resolution: c.Resolution, Cause: &cause,
		CreatedAt: &created, UpdatedAt: &updated, ClosedAt: c.ClosedAt,
		Handling: client.Handling{
			Label: c.Route.Label, Owners: c.Owners, Priority: c.Route.Priority, Severity: c.Route.Severity, Visibility: c.Route.Visibility,
			RespondWithin: c.Route.RespondWithin, ResolveWithin: c.Route.ResolveWithin,
		},
	}
	for _, t := range c.Tasks {
		owner := t.Owner
		line.Tasks = append(line.Tasks, client.TaskLine{
			Plan:   cases.Plan{Key: t.Key, Type: t.Type, Category: t.Category, Title: t.Title, Description: t.Description, Owner: &owner, Priority: t.Priority, Label: t.Label},
			Status: t.Status, Resolution: t.Resolution, DueAt: t.Due.Due,
		})
	}
	return line
}

// importCasesInput is lines on their way in. They are read as they come.
type importCasesInput struct {
	Atomic bool `query:"atomic" doc:"Import no line if one is refused"`
	lines  io.Reader
}

// Resolve takes hold of the body, which huma would otherwise not read.
func (in *importCasesInput) Resolve(ctx huma.Context) []error {
	in.lines = ctx.BodyReader()
	return nil
}

func (s *server) importCases(ctx context.Context, caller Identity, in *importCasesInput) (*struct{ Body client.ImportResult }, error) {
	i := &caseImport{result: client.ImportResult{Refusals: []client.ImportRefusal{}}}
	if in.lines != nil {
		body := http.MaxBytesReader(nil, io.NopCloser(in.lines), s.limits.RequestBytes)
		if err := i.read(body, func() error { return s.importRead(ctx, caller, i, in.Atomic, false) }); err != nil {
			return nil, err
		}
	}
	if err := s.importRead(ctx, caller, i, in.Atomic, true); err != nil {
		return nil, err
	}
	s.log.InfoContext(ctx, "cases were imported", "request_id", infoOf(ctx).id, "organization", caller.Organization, "actor", caller.Actor,
		"lines", i.result.Lines, "created", i.result.Created, "exists", i.result.Exists, "refused", i.result.Refused)
	return &struct{ Body client.ImportResult }{i.result}, nil
}

// importBatch is how many lines are imported at once where each is for itself.
const importBatch = 100

// importRead imports what was read: without atomic a batch at a time, with it everything
// at the end.
func (s *server) importRead(ctx context.Context, caller Identity, i *caseImport, atomic, last bool) error {
	if !last && (atomic || len(i.lines) < importBatch) {
		return nil
	}
	if atomic && i.result.Refused > 0 {
		i.result.Withheld += len(i.lines)
		return nil
	}
	outcomes, err := s.cases.Import(ctx, caller.Organization, i.lines, atomic, caller)
	if err != nil {
		return err
	}
	for at, outcome := range outcomes {
		i.count(i.numbers[at], outcome)
	}
	i.lines, i.numbers = nil, nil
	return nil
}

// caseImport is an import under way: the lines that wait, with their numbers.
type caseImport struct {
	lines   []client.CaseLine
	numbers []int
	result  client.ImportResult
}

// read reads lines, and calls each after every one that is good.
func (i *caseImport) read(body io.Reader, each func() error) error {
	scanner := bufio.NewScanner(body)
	scanner.Buffer(make([]byte, 0, 64<<10), importLine)
	number := 0
	for scanner.Scan() {
		number++
		text := scanner.Bytes()
		if len(bytes.TrimSpace(text)) == 0 {
			continue
		}
		if i.result.Lines++; i.result.Lines > importLines {
			return invalid(fmt.Sprintf("line %d", number), "is one more than the %d lines admitted: what came before it was imported unless atomic was asked for", importLines)
		}
		var line client.CaseLine
		if err := decodeStrictly(text, &line); err != nil {
			i.refuse(refusedText(number, err))
			continue
		}
		i.lines, i.numbers = append(i.lines, line), append(i.numbers, number)
		if err := each(); err != nil {
			return err
		}
	}
	if err := scanner.Err(); errors.Is(err, bufio.ErrTooLong) {
		return invalid(fmt.Sprintf("line %d", number+1), "is longer than %d bytes", importLine)
	} else if err != nil {
		return err
	}
	return nil
}

// refusedText says where a line is no Case.
func refusedText(number int, err error) client.ImportRefusal {
	refusal := client.ImportRefusal{Line: number, Code: string(gates.RequestInvalid), Message: err.Error()}
	var at *bodyError
	if errors.As(err, &at) {
		refusal.Column, refusal.Pointer, refusal.Message = at.place.column, at.pointer, at.cause.Error()
	}
	return refusal
}

func (i *caseImport) refuse(refusal client.ImportRefusal) {
	i.result.Refused++
	if len(i.result.Refusals) < importRefusals {
		i.result.Refusals = append(i.result.Refusals, refusal)
	}
}

// count takes in what became of a line.
func (i *caseImport) count(number int, outcome CaseImported) {
	switch outcome.Outcome {
	case client.ImportCreated:
		i.result.Created++
	case client.ImportExists:
		i.result.Exists++
	case client.ImportEnded:
		i.result.Ended++
	case client.ImportWithheld:
		i.result.Withheld++
	default:
		p := known(outcome.Refused)
		if p == nil {
			p = newProblem(gates.InternalError, "the line was not imported")
		}
		i.refuse(client.ImportRefusal{Line: number, Code: p.ReasonCode, Message: p.Detail})
	}
}
