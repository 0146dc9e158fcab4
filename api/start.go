package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"path"

	"github.com/initkoa/orgo/api/builtin"
	"github.com/initkoa/orgo/client"
	"github.com/initkoa/orgo/records"
)

// Keyed is a call that must bear an idempotency key.
type Keyed struct {
	IdempotencyKey string `header:"Idempotency-Key" required:"true" minLength:"1" maxLength:"200" pattern:"^[!-~]+$" doc:"Names the request: the same key is the same build"`
}

// startInput asks for a build.
type startInput struct {
	Keyed
	Body client.StartBuild
}

func (s *server) startBuild(ctx context.Context, caller Identity, in *startInput) (*buildAnswer, error) {
	request, err := s.requestOf(ctx, caller, in.IdempotencyKey, in.Body, in.Body.Trigger)
	if err != nil {
		return nil, err
	}
	view, err := s.builds.Start(ctx, request)
	return &buildAnswer{Location: location(view.BuildID), Body: view}, err
}

// requestOf stores the documents that were sent for a build and returns its request.
func (s *server) requestOf(
	ctx context.Context, caller Identity, key string, sent client.StartBuild, trigger client.BuildTrigger,
) (request records.BuildRequest, err error) {
	if err := checkInputs(sent.Inputs); err != nil {
		return request, err
	}
	request = newRequest(caller, key, trigger)
	request.Inputs, request.ReproduceOf = sent.Inputs, sent.ReproduceOf
	if request.Pipeline, err = s.storePipeline(ctx, sent.Pipeline); err != nil {
		return request, err
	}
	if request.Policy, err = s.storePolicy(ctx, caller, sent.Policy); err != nil {
		return request, err
	}
	request.Contracts, err = s.storeContracts(ctx, caller.Organization, sent.Contracts)
	return request, err
}

func newRequest(caller Identity, key string, trigger client.BuildTrigger) records.BuildRequest {
	if trigger.Type == "" {
		trigger.Type = records.TriggerManual
	}
	return records.BuildRequest{
		Organization:   caller.Organization,
		BuildID:        records.BuildID(caller.Organization, key),
		IdempotencyKey: key,
		Trigger: records.Trigger{
			Type: trigger.Type, Actor: caller.Actor, Reason: trigger.Reason, SourceRef: trigger.SourceRef,
		},
	}
}

// checkInputs refuses inputs that cannot mean anything. Whether they can be read
// is for ingest to find out.
func checkInputs(inputs []records.Input) error {
	if len(inputs) == 0 {
		return invalid("body.inputs", "at least one input is needed")
	}
	for i, input := range inputs {
		at := fmt.Sprintf("body.inputs[%d]", i)
		switch {
		case (input.URI == "") == (input.Snapshot == nil):
			return invalid(at, "has either a uri or a snapshot")
		case input.Snapshot != nil && !input.Snapshot.Valid():
			return invalid(at+".snapshot", "is not a sha256 reference")
		case input.Snapshot == nil:
			if err := checkFileURL(input.URI); err != nil {
				return invalid(at+".uri", "%v", err)
			}
		}
	}
	return nil
}

// checkFileURL admits file URLs (RFC 8089) of this host with an absolute, clean
// path.
func checkFileURL(uri string) error {
	u, err := url.Parse(uri)
	switch {
	case err != nil:
		return errors.New("is not a url")
	case u.Scheme != "file":
		return fmt.Errorf("has scheme %q; only file: is read", u.Scheme)
	case u.Host != "" && u.Host != "localhost":
		return fmt.Errorf("names the host %q; files are read where the worker runs", u.Host)
	case u.RawQuery != "" || u.Fragment != "" || u.User != nil:
		return errors.New("has a query or fragment; write ? and # in a path as %3F and %23")
	case !path.IsAbs(u.Path) || path.Clean(u.Path) != trimSlash(u.Path):
		return errors.New("must have an absolute path without . or .. segments")
	}
	return nil
}

// trimSlash drops the slash that may end the path of a directory.
func trimSlash(p string) string {
	if len(p) > 1 && p[len(p)-1] == '/' {
		return p[:len(p)-1]
	}
	return p
}

// storePipeline stores the pipeline that was sent, or the built-in one.
func (s *server) storePipeline(ctx context.Context, sent json.RawMessage) (records.Ref, error) {
	document := sent
	var name string
	switch {
	case absent(sent):
		document = s.builtin.Pipeline
	case json.Unmarshal(sent, &name) == nil:
		if name != builtin.PipelineName {
			return records.Ref{}, invalid("body.pipeline", "no pipeline is named %q; send a document, or %q", name, builtin.PipelineName)
		}
		document = s.builtin.Pipeline
	case !isObject(sent):
		return records.Ref{}, invalid("body.pipeline", "is neither a pipeline document nor %q", builtin.PipelineName)
	}
	return s.artifacts.PutBytes(ctx, records.MediaJSON, document)
}

// storePolicy stores the mandate bundle that was sent or named, or the built-in one.
// A bad one is refused now: a build could only fail with it.
func (s *server) storePolicy(ctx context.Context, caller Identity, sent json.RawMessage) (records.Ref, error) {
	named := PolicyName{Sent: s.builtin.Policy}
	if !absent(sent) {
		var err error
		if named, err = policyName(sent); err != nil {
			return records.Ref{}, err
		}
	}
	_, ref, err := s.policies.Read(ctx, caller.Organization, named)
	return ref, err
}

func absent(document json.RawMessage) bool {
	trimmed := bytes.TrimSpace(document)
	return len(trimmed) == 0 || bytes.Equal(trimmed, []byte("null"))
}

func isObject(document json.RawMessage) bool {
	trimmed := bytes.TrimSpace(document)
	return len(trimmed) > 0 && trimmed[0] == '{'
}
