package client

import (
	"context"
	"io"
	"net/http"
	"net/url"
)

// ExportCases writes the Cases that a query selects to w as JSON Lines, a CaseLine each.
// On error what was written is not whole.
func (c *Client) ExportCases(ctx context.Context, query CaseQuery, w io.Writer) error {
	call := get("v1", "cases", "export")
	call.query = query.values()
	answer, err := c.do(ctx, call)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if _, err := io.Copy(w, answer.Body); err != nil {
		return &UnreachableError{URL: answer.Request.URL.Redacted(), Cause: err}
	}
	return nil
}

// ImportCases opens a Case for each CaseLine that r has as JSON Lines. What is there
// already stays as it is, so a call may be repeated with the same lines. With atomic a
// line that is refused keeps all others back, too.
func (c *Client) ImportCases(ctx context.Context, r io.Reader, atomic bool) (ImportResult, error) {
	var result ImportResult
	call := call{
		method: http.MethodPost, path: []string{"v1", "cases", "import"},
		header: http.Header{"Content-Type": {"application/jsonl"}},
		body:   func() (io.Reader, error) { return r, nil },
	}
	if atomic {
		call.query = url.Values{"atomic": {"true"}}
	}
	return result, c.json(ctx, call, &result)
}
