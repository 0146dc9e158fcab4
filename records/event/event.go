// Package event gives the entries of the log the form in which others get them:
// CloudEvents 1.0.
package event

import (
	"strconv"
	"strings"
	"time"

	"github.com/initkoa/orgo/records"
)

// CloudEventsVersion is the version of the CloudEvents specification that events
// follow.
const CloudEventsVersion = "1.0"

// MediaType is that of an event in the JSON event format.
const MediaType = "application/cloudevents+json"

// Event is a leaf of the log as a CloudEvent (CloudEvents 1.0, JSON event format).
// Source and ID together name it for ever.
type Event struct {
	SpecVersion     string    `json:"specversion" enum:"1.0"`
	ID              string    `json:"id" doc:"The id of the entry"`
	Source          string    `json:"source" doc:"/orgs/ORGANIZATION"`
	Type            string    `json:"type" doc:"orgo.NOUN.VERB"`
	Subject         string    `json:"subject" doc:"KIND/ID of what it is about"`
	Time            time.Time `json:"time"`
	DataContentType string    `json:"datacontenttype"`
	// Sequence is the leaf. It is text because an Integer of CloudEvents has 32
	// bits, and a log has more leaves than that.
	Sequence    string `json:"orgosequence" doc:"The leaf, in decimal: the cursor of this event"`
	BuildID     string `json:"orgobuildid,omitempty"`
	ReleaseID   string `json:"orgoreleaseid,omitempty"`
	CaseID      string `json:"orgocaseid,omitempty"`
	Channel     string `json:"orgochannel,omitempty"`
	Cohort      string `json:"orgocohort,omitempty"`
	Stage       string `json:"orgostage,omitempty"`
	ReasonCodes string `json:"orgoreasoncodes,omitempty" doc:"Reason codes, with commas between them"`
	Data        Entry  `json:"data" doc:"The entry"`
}

// Entry is an entry and its place among those of its subject, from 1.
type Entry struct {
	records.Entry
	Sequence int64 `json:"sequence"`
}

// Leaf returns the number of the event's leaf, which is its cursor.
func (e Event) Leaf() (int64, error) { return strconv.ParseInt(e.Sequence, 10, 64) }

// Of returns a leaf of the log as an event (CloudEvents 1.0 §3). It is a function
// of the leaf alone: whoever asks, and however often, gets the same event.
func Of(leaf int64, entry Entry) Event {
	ids := entry.Correlation
	return Event{
		SpecVersion:     CloudEventsVersion,
		ID:              entry.ID,
		Source:          "/orgs/" + entry.Organization,
		Type:            entry.Type,
		Subject:         entry.Subject.Kind + "/" + entry.Subject.ID,
		Time:            entry.At,
		DataContentType: records.MediaJSON,
		Sequence:        strconv.FormatInt(leaf, 10),
		BuildID:         ids.BuildID,
		ReleaseID:       ids.ReleaseID,
		CaseID:          ids.CaseID,
		Channel:         ids.Channel,
		Cohort:          ids.Cohort,
		Stage:           string(ids.Stage),
		ReasonCodes:     strings.Join(entry.Codes, ","),
		Data:            entry,
	}
}
