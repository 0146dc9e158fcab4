package httprunner

import (
	"bytes"
	"context"
	"errors"
	"io/fs"

	"github.com/go-json-experiment/json"

	"github.com/initkoa/orgo/activities/runner"
	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/records"
)

// answer is what a service says in the end: outputs, or an error.
type answer struct {
	Outputs     []artifact            `json:"outputs"`
	Attachments []artifact            `json:"attachments"`
	Metrics     map[string]int64      `json:"metrics"`
	Notes       string                `json:"notes"`
	Error       *runner.ReportedError `json:"error"`
}

// artifact is an output that is in the store already (Ref), or small content
// (Content, in base64, with MediaType) that is stored now.
type artifact struct {
	Name      string       `json:"name"`
	Path      string       `json:"path"`
	Ref       *records.Ref `json:"ref"`
	MediaType string       `json:"media_type"`
	Content   *[]byte      `json:"content"`
}

// Decode turns the body of an answer, at once, polled or called back, into a
// result, and stores the content in it. The error that a service reports becomes a
// *runner.Failure; a body that is not strictly an answer is
// gates.RunnerOutputInvalid. by names the service in messages.
func Decode(ctx context.Context, store runner.ArtifactStore, by string, body []byte) (runner.Result, error) {
	parsed, err := parseAnswer(body)
	if err != nil {
		return runner.Result{}, runner.Fail(gates.RunnerOutputInvalid, err, "%s: its answer is not a result", by)
	}
	if parsed.Error != nil {
		return runner.Result{}, parsed.Error.Failure(by)
	}
	result := runner.Result{Metrics: parsed.Metrics, Notes: parsed.Notes}
	if result.Outputs, err = resolveAll(ctx, store, by, parsed.Outputs); err != nil {
		return runner.Result{}, err
	}
	result.Attachments, err = resolveAll(ctx, store, by, parsed.Attachments)
	return result, err
}

// parseAnswer reads one JSON object with known members only, each once, and
// nothing else.
func parseAnswer(body []byte) (answer, error) {
	var parsed answer
	if err := json.Unmarshal(body, &parsed, json.RejectUnknownMembers(true)); err != nil {
		return answer{}, err
	}
	if (parsed.Outputs == nil) == (parsed.Error == nil) {
		return answer{}, errors.New("want either outputs or an error")
	}
	return parsed, nil
}

func resolveAll(ctx context.Context, store runner.ArtifactStore, by string, sent []artifact) ([]records.Artifact, error) {
	resolved := make([]records.Artifact, 0, len(sent))
	for _, a := range sent {
		if a.Name == "" || (a.Path != "" && !fs.ValidPath(a.Path)) {
			return nil, runner.Fail(gates.RunnerOutputInvalid, nil, "%s: output %q with path %q is not well named", by, a.Name, a.Path)
		}
		ref, err := a.resolve(ctx, store)
		if err != nil {
			return nil, err
		}
		if ref == nil {
			return nil, runner.Fail(gates.RunnerOutputInvalid, nil, "%s: output %q needs either a ref with digest and size, or content with media_type", by, a.Name)
		}
		resolved = append(resolved, records.Artifact{Name: a.Name, Path: a.Path, Ref: *ref})
	}
	return resolved, nil
}

// resolve returns the reference of an artifact, nil if it is not exactly one of the
// two forms. That a ref can be read is seen when the stage's outputs are verified.
func (a artifact) resolve(ctx context.Context, store runner.ArtifactStore) (*records.Ref, error) {
	if a.Ref != nil {
		if a.Content != nil || a.MediaType != "" || !a.Ref.Valid() || a.Ref.Size < 0 {
			return nil, nil
		}
		// Where a service says that it keeps content does not matter: it counts only
		// in the store.
		a.Ref.URI = ""
		return a.Ref, nil
	}
	if a.Content == nil || a.MediaType == "" {
		return nil, nil
	}
	ref, err := store.Put(ctx, a.MediaType, bytes.NewReader(*a.Content))
	return &ref, err
}
