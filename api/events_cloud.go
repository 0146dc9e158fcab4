package api

import (
	"strconv"
	"strings"

	"github.com/initkoa/orgo/client"
	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/records/store"
)

// EventOf returns a leaf of the log as a CloudEvent (CloudEvents 1.0 §3, JSON
// event format §2). It is a function of the leaf alone: whoever asks, and however
// often, gets the same event.
func EventOf(leaf store.Leaf) client.Event {
	ids := leaf.Correlation
	return client.Event{
		SpecVersion:     client.CloudEventsVersion,
		ID:              leaf.ID,
		Source:          "/orgs/" + leaf.Organization,
		Type:            leaf.Type,
		Subject:         leaf.Subject.Kind + "/" + leaf.Subject.ID,
		Time:            leaf.At,
		DataContentType: records.MediaJSON,
		Sequence:        strconv.FormatInt(leaf.Number, 10),
		BuildID:         ids.BuildID,
		ReleaseID:       ids.ReleaseID,
		CaseID:          ids.CaseID,
		Channel:         ids.Channel,
		Cohort:          ids.Cohort,
		Stage:           string(ids.Stage),
		ReasonCodes:     strings.Join(leaf.Codes, ","),
		Data:            client.StoredEntry{Entry: leaf.Entry, Sequence: leaf.Stored.Sequence},
	}
}
