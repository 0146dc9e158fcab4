package api

import (
	"context"
	"net/http"
	"reflect"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/initkoa/orgo/client"
	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/records/store"
)

func typeOf[T any]() reflect.Type { return reflect.TypeFor[T]() }

// BuildPath names the build that a call is about. It is exported because huma
// looks into no other embedded struct.
type BuildPath struct {
	ID string `path:"id" format:"uuid" doc:"The id of the build"`
}

// buildAnswer is the state of a build.
type buildAnswer struct {
	Location string `header:"Location"`
	Body     records.BuildView
}

func (s *server) registerBuilds(api huma.API) {
	guarded(s, api, huma.Operation{
		OperationID: "start-build", Method: http.MethodPost, Path: "/v1/builds", Tags: []string{"builds"},
		Summary:       "Start a build",
		Description:   "The same idempotency key with the same request is the same build; with another request it is refused.",
		DefaultStatus: http.StatusAccepted, MaxBodyBytes: s.limits.RequestBytes,
	}, s.startBuild)
	guarded(s, api, huma.Operation{
		OperationID: "list-builds", Method: http.MethodGet, Path: "/v1/builds", Tags: []string{"builds"},
		Summary: "List builds, newest first",
	}, s.listBuilds)
	guarded(s, api, huma.Operation{
		OperationID: "get-build", Method: http.MethodGet, Path: "/v1/builds/{id}", Tags: []string{"builds"},
		Summary:     "Get a build, now or once it has changed",
		Description: "With wait, the answer comes when the build's version is above after_version, or when the time is over.",
	}, s.getBuild)
	guarded(s, api, huma.Operation{
		OperationID: "stop-build", Method: http.MethodPost, Path: "/v1/builds/{id}/stop", Tags: []string{"builds"},
		Summary: "Stop a build, at the next safe boundary or now", MaxBodyBytes: actionBytes,
	}, s.stopBuild)
	guarded(s, api, huma.Operation{
		OperationID: "retry-stage", Method: http.MethodPost, Path: "/v1/builds/{id}/retry", Tags: []string{"builds"},
		Summary: "Run a waiting build again from a stage", MaxBodyBytes: actionBytes,
	}, s.retryStage)
	guarded(s, api, huma.Operation{
		OperationID: "override-gate", Method: http.MethodPost, Path: "/v1/builds/{id}/override", Tags: []string{"builds"},
		Summary: "Let a waiting build go on although a gate refused it, where its policy lets that gate be overridden", MaxBodyBytes: actionBytes,
	}, s.overrideGate)
	guarded(s, api, huma.Operation{
		OperationID: "reproduce-build", Method: http.MethodPost, Path: "/v1/builds/{id}/reproduce", Tags: []string{"builds"},
		Summary:       "Run a build again from its pins and its snapshot alone, as a build of its own",
		DefaultStatus: http.StatusAccepted, MaxBodyBytes: actionBytes,
	}, s.reproduceBuild)
}

// actionBytes bounds the body of an operator's action.
const actionBytes = 64 << 10

// listInput selects builds.
type listInput struct {
	State    string `query:"state" enum:"PENDING,RUNNING,WAITING,PASSED,BLOCKED,FAILED,STOPPED"`
	Pipeline string `query:"pipeline" maxLength:"200" doc:"The pipeline's id"`
	Limit    int    `query:"limit" minimum:"1" maximum:"200" default:"50"`
	Cursor   string `query:"cursor" maxLength:"500" doc:"next of the page before"`
}

func (s *server) listBuilds(ctx context.Context, caller Identity, in *listInput) (*struct{ Body client.BuildList }, error) {
	query := store.BuildQuery{PipelineID: in.Pipeline, Limit: in.Limit, Cursor: in.Cursor}
	if in.State != "" {
		query.States = []records.BuildState{records.BuildState(in.State)}
	}
	views, next, err := s.reader.Builds(ctx, caller.Organization, query)
	if err != nil {
		return nil, err
	}
	if views == nil {
		views = []records.BuildView{}
	}
	return &struct{ Body client.BuildList }{client.BuildList{Builds: views, Next: next}}, nil
}

// getInput asks for a build, perhaps for a change of it.
type getInput struct {
	BuildPath
	AfterVersion int64  `query:"after_version" minimum:"0" doc:"Answer once the version is above this"`
	Wait         string `query:"wait" doc:"How long to wait for that, as 30s; the server has an upper limit"`
}

func (s *server) getBuild(ctx context.Context, caller Identity, in *getInput) (*buildAnswer, error) {
	wait, err := s.waitOf(in.Wait)
	if err != nil {
		return nil, err
	}
	view, err := s.reader.Build(ctx, caller.Organization, in.ID)
	if err != nil {
		return nil, err
	}
	if wait > 0 && view.Version <= in.AfterVersion {
		view, err = s.awaitChange(ctx, caller.Organization, view, in.AfterVersion, wait)
	}
	return &buildAnswer{Body: view}, err
}

func (s *server) waitOf(text string) (time.Duration, error) {
	if text == "" {
		return 0, nil
	}
	wait, err := time.ParseDuration(text)
	if err != nil || wait < 0 {
		return 0, invalid("query.wait", "is not a duration like 30s")
	}
	return min(wait, s.limits.Wait), nil
}

// pollInterval is how often a long poll looks. It reads one row by its key, also
// for what another process has written.
const pollInterval = 100 * time.Millisecond

// awaitChange returns the build once its version is above after; as it is when
// wait is over, when nothing can change any more, or when the caller has left.
func (s *server) awaitChange(
	ctx context.Context, organization string, view records.BuildView, after int64, wait time.Duration,
) (records.BuildView, error) {
	ctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	ticker := time.NewTicker(pollInterval)
	defer ticker.Stop()
	for view.Version <= after && !view.State.Terminal() {
		select {
		case <-ctx.Done():
			return view, nil
		case <-ticker.C:
		}
		next, err := s.reader.Build(ctx, organization, view.BuildID)
		if err != nil {
			if ctx.Err() != nil {
				return view, nil
			}
			return view, err
		}
		view = next
	}
	return view, nil
}

// stopInput asks for the end of a build.
type stopInput struct {
	BuildPath
	Body client.StopBuild
}

func (s *server) stopBuild(ctx context.Context, caller Identity, in *stopInput) (*buildAnswer, error) {
	view, err := s.builds.Stop(ctx, caller.Organization, in.ID, in.Body.Now, caller, in.Body.Reason)
	return &buildAnswer{Body: view}, err
}

// retryInput asks for another generation.
type retryInput struct {
	BuildPath
	Body client.RetryStage
}

func (s *server) retryStage(ctx context.Context, caller Identity, in *retryInput) (*buildAnswer, error) {
	view, err := s.builds.Retry(ctx, caller.Organization, in.ID, in.Body.Stage, caller, in.Body.Reason)
	return &buildAnswer{Body: view}, err
}

// overrideInput asks to override a gate.
type overrideInput struct {
	BuildPath
	Body client.OverrideGate
}

func (s *server) overrideGate(ctx context.Context, caller Identity, in *overrideInput) (*buildAnswer, error) {
	view, err := s.builds.Override(ctx, caller.Organization, in.ID, in.Body, caller)
	return &buildAnswer{Body: view}, err
}

// location is the path of a build.
func location(id string) string { return "/v1/builds/" + id }
