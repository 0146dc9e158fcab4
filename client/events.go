package client

import (
	"context"
	"net/url"
	"strconv"

	"github.com/initkoa/orgo/records/event"
)

// FromTheBeginning is the cursor before the first leaf of the log.
const FromTheBeginning int64 = -1

// Event is a leaf of the log as a CloudEvent.
type Event = event.Event

// EventQuery selects events. Zero fields select all; a nil After means those that
// are still to come.
type EventQuery struct {
	// After is the leaf that was seen last, or FromTheBeginning.
	After *int64
	// Types are types, or with ".*" at their end all types below: "orgo.stage.*".
	Types   []string
	Subject string // "build/ID"
	Channel string
}

// EventList is a page of events, in order.
type EventList struct {
	Events []Event `json:"events"`
	// Next is the leaf to go on after.
	Next int64 `json:"next" doc:"The leaf to go on after"`
	// More says that the page did not reach the end of the log.
	More bool `json:"more" doc:"Whether the page ends before the log does"`
}

func (q EventQuery) values() url.Values {
	values := url.Values{}
	if len(q.Types) > 0 {
		values["type"] = q.Types
	}
	if q.After != nil {
		values.Set("after", strconv.FormatInt(*q.After, 10))
	}
	if q.Subject != "" {
		values.Set("subject", q.Subject)
	}
	if q.Channel != "" {
		values.Set("channel", q.Channel)
	}
	return values
}

// EventPage returns at most limit events of the log as it is now. Without a
// cursor it has no event, and Next is the end of the log.
func (c *Client) EventPage(ctx context.Context, query EventQuery, limit int) (EventList, error) {
	call := get("v1", "events")
	call.query = query.values()
	call.query.Set("limit", strconv.Itoa(limit))
	var list EventList
	return list, c.json(ctx, call, &list)
}
