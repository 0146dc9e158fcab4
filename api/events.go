package api

import (
	"context"
	"errors"
	"net/http"
	"strconv"

	"github.com/danielgtaylor/huma/v2"

	"github.com/initkoa/orgo/client"
	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/records/event"
)

// mediaEventStream is the media type of a stream of events.
const mediaEventStream = "text/event-stream"

func (s *server) registerEvents(api huma.API) {
	page := api.OpenAPI().Components.Schemas.Schema(typeOf[client.EventList](), true, "EventList")
	guarded(s, api, huma.Operation{
		OperationID: "follow-events", Method: http.MethodGet, Path: "/v1/events", Tags: []string{"events"},
		Summary: "Follow what happens in the organization, or read a page of it",
		Description: "Without limit: a stream of server-sent events, each a CloudEvent 1.0 with its leaf as id. " +
			"With limit: one page, as JSON.",
		Responses: map[string]*huma.Response{"200": {
			Description: "The events after the cursor, in order",
			Content: map[string]*huma.MediaType{
				mediaEventStream:  {Schema: &huma.Schema{Type: huma.TypeString}},
				records.MediaJSON: {Schema: page},
			},
		}},
	}, s.followEvents)
}

// eventsInput says which events, and from where on.
type eventsInput struct {
	After       string   `query:"after" maxLength:"20" doc:"The last leaf seen; -1 for all there are; absent for new ones only"`
	LastEventID string   `header:"Last-Event-ID" maxLength:"20" doc:"As after, and counts before it: what a reconnecting consumer sends"`
	Types       []string `query:"type,explode" maxItems:"50" doc:"Only this type, or with .* at its end all below: orgo.stage.*; repeatable"`
	Subject     string   `query:"subject" maxLength:"300" doc:"Only what is about this: build/ID"`
	Channel     string   `query:"channel" maxLength:"300" doc:"Only what belongs to this channel"`
	Limit       int      `query:"limit" minimum:"1" maximum:"1000" doc:"Answer with a page of so many events at most instead of a stream"`
}

func (s *server) followEvents(ctx context.Context, caller Identity, in *eventsInput) (*huma.StreamResponse, error) {
	filter := event.Filter{Types: in.Types, Subject: in.Subject, Channel: in.Channel}
	if err := filter.Check(); err != nil {
		return nil, badFilter("query", err)
	}
	after, err := s.events.cursor(ctx, in)
	if err != nil {
		return nil, err
	}
	if in.Limit > 0 {
		page, err := s.seenEvents(caller).page(ctx, caller.Organization, filter, after, in.Limit)
		if err != nil {
			return nil, err
		}
		return &huma.StreamResponse{Body: func(ctx huma.Context) { s.sendPage(ctx, page) }}, nil
	}
	release, err := s.events.admit()
	if err != nil {
		return nil, err
	}
	return &huma.StreamResponse{Body: func(ctx huma.Context) {
		defer release()
		s.sendStream(ctx, caller, filter, after)
	}}, nil
}

func (s *server) sendPage(ctx huma.Context, page client.EventList) {
	ctx.SetHeader("Content-Type", records.MediaJSON)
	ctx.SetStatus(http.StatusOK)
	if err := s.format.Marshal(ctx.BodyWriter(), page); err != nil {
		s.log.WarnContext(ctx.Context(), "a page of events was not sent", "request_id", infoOf(ctx.Context()).id, "error", err)
	}
}

// badFilter says where in a request a filter is not valid.
func badFilter(place string, err error) error {
	var bad *event.FilterError
	if errors.As(err, &bad) {
		return invalid(place+"."+bad.Part, "%s", bad.What)
	}
	return err
}

// cursor returns the leaf after which the caller wants events: -1 for the
// beginning. A cursor beyond the end of the log is refused: waiting until the log
// gets there would pass over leaves of a log that was set back.
func (e *eventStreams) cursor(ctx context.Context, in *eventsInput) (int64, error) {
	size, err := e.log.LogSize(ctx)
	if err != nil {
		return 0, err
	}
	place, text := "query.after", in.After
	if in.LastEventID != "" {
		place, text = "header.Last-Event-ID", in.LastEventID
	}
	if text == "" {
		return size - 1, nil
	}
	after, err := strconv.ParseInt(text, 10, 64)
	if err != nil || after < client.FromTheBeginning {
		return 0, invalid(place, "is not the number of a leaf, nor -1 for the beginning")
	}
	if after >= size {
		return 0, refusef(gates.EventCursorUnknown, "%s is leaf %d, and the log ends with leaf %d", place, after, size-1)
	}
	return after, nil
}

// pageScans bounds how many reads of the log one page may take.
const pageScans = 16

// page returns up to limit events after a leaf. A page of a log in which little
// passes the filter may have fewer events than there are.
func (e *eventStreams) page(
	ctx context.Context, organization string, filter event.Filter, after int64, limit int,
) (client.EventList, error) {
	list := client.EventList{Events: []client.Event{}, Next: after}
	for range pageScans {
		leaves, next, err := e.log.Leaves(ctx, organization, list.Next+1, limit)
		if err != nil {
			return list, err
		}
		if next == list.Next+1 {
			return list, nil
		}
		for _, leaf := range leaves {
			if !filter.Admits(leaf.Entry) {
				continue
			}
			list.Events = append(list.Events, leaf.Event())
			if len(list.Events) == limit {
				list.Next, list.More = leaf.Number, true
				return list, nil
			}
		}
		list.Next = next - 1
	}
	list.More = true
	return list, nil
}
