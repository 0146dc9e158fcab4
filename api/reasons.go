package api

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/initkoa/orgo/client"
	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/records"
)

func (s *server) registerReasons(api huma.API) {
	guarded(s, api, huma.Operation{
		OperationID: "list-reasons", Method: http.MethodGet, Path: "/v1/reasons", Tags: []string{"reference"},
		Summary: "List every reason code",
	}, s.listReasons)
	guarded(s, api, huma.Operation{
		OperationID: "get-reason", Method: http.MethodGet, Path: "/v1/reasons/{code}", Tags: []string{"reference"},
		Summary: "Explain a reason code",
	}, s.getReason)
	guarded(s, api, huma.Operation{
		OperationID: "get-default-pipeline", Method: http.MethodGet, Path: "/v1/pipelines/default", Tags: []string{"reference"},
		Summary: "Get the pipeline of builds that name none",
	}, s.defaultPipeline)
}

func (s *server) listReasons(context.Context, Identity, *struct{}) (*struct{ Body client.ReasonList }, error) {
	var list client.ReasonList
	for _, reason := range gates.Reasons() {
		list.Reasons = append(list.Reasons, reasonOf(reason.Code))
	}
	return &struct{ Body client.ReasonList }{list}, nil
}

func (s *server) getReason(_ context.Context, _ Identity, in *struct {
	Code string `path:"code" maxLength:"100"`
},
) (*struct{ Body client.Reason }, error) {
	if _, known := gates.Lookup(gates.Code(in.Code)); !known {
		return nil, refusef(gates.NotFound, "there is no reason code %q; /v1/reasons lists all", in.Code)
	}
	return &struct{ Body client.Reason }{reasonOf(gates.Code(in.Code))}, nil
}

func (s *server) defaultPipeline(context.Context, Identity, *struct{}) (*rawAnswer, error) {
	return &rawAnswer{ContentType: records.MediaJSON, Body: s.builtin.Pipeline}, nil
}

// reasonOf explains a code; of one that the table does not have it says so.
func reasonOf(code gates.Code) client.Reason {
	reason, known := gates.Lookup(code)
	if !known {
		return client.Reason{Code: string(code), Meaning: "this version of Orgo does not know the code"}
	}
	return client.Reason{
		Code: string(reason.Code), Class: string(reason.Class), Severity: string(reason.Severity), Meaning: reason.Meaning,
		Remedy: reason.Remedy, ClearedBy: string(reason.ClearedBy), Final: reason.Final,
	}
}
