package api

import (
	"context"
	"net/http"
	"reflect"

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
	Waiting
}

func (s *server) getBuild(ctx context.Context, caller Identity, in *getInput) (*buildAnswer, error) {
	read := func(ctx context.Context) (records.BuildView, error) {
		return s.reader.Build(ctx, caller.Organization, in.ID)
	}
	view, err := await(ctx, s.limits.Wait, in.Waiting, read, func(view records.BuildView) (int64, bool) { return view.Version, view.State.Terminal() })
	return &buildAnswer{Body: view}, err
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
