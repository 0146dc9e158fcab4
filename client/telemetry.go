package client

import (
	"context"
	"encoding/json"
)

// MaxTelemetryBatch is how many samples one call may send.
const MaxTelemetryBatch = 5000

// SendTelemetry is a batch of samples, of any releases, each as it was made.
type SendTelemetry struct {
	Samples []json.RawMessage `json:"samples" minItems:"1" maxItems:"5000" doc:"Each is read by itself: one that is refused keeps no other back"`
}

// TelemetryResult says what became of samples.
type TelemetryResult struct {
	Accepted  int `json:"accepted"`
	Duplicate int `json:"duplicate" doc:"Were there before: nothing changed"`
	Refused   int `json:"refused"`
	// Codes is how many were refused, by reason code.
	Codes map[string]int `json:"codes"`
	// Refusals are those that were refused, as far as there is room for them.
	Refusals []RefusedSample `json:"refusals"`
}

// RefusedSample is a sample that was refused, and why.
type RefusedSample struct {
	Index    int    `json:"index" doc:"Its place in the batch, from 0"`
	SampleID string `json:"sample_id,omitempty" doc:"The id it was given, or its digest; none if it could not be read"`
	Code     string `json:"reason_code"`
	Pointer  string `json:"pointer,omitempty" doc:"JSON Pointer (RFC 6901) of what is wrong in it"`
	Message  string `json:"message"`
}

// MaxRefusals is how many refusals a TelemetryResult lists at most.
const MaxRefusals = 100

// Add adds what became of the next batch, which began offset samples on.
func (r *TelemetryResult) Add(next TelemetryResult, offset int) {
	r.Accepted += next.Accepted
	r.Duplicate += next.Duplicate
	r.Refused += next.Refused
	if r.Codes == nil {
		r.Codes = map[string]int{}
	}
	for code, n := range next.Codes {
		r.Codes[code] += n
	}
	for _, refusal := range next.Refusals[:min(len(next.Refusals), MaxRefusals-len(r.Refusals))] {
		refusal.Index += offset
		r.Refusals = append(r.Refusals, refusal)
	}
}

// SendTelemetry sends up to MaxTelemetryBatch samples. To send samples again is
// safe: those that are there are duplicates. That holds for a call that had to be
// repeated, too.
func (c *Client) SendTelemetry(ctx context.Context, samples []json.RawMessage) (TelemetryResult, error) {
	var result TelemetryResult
	call, err := post(SendTelemetry{Samples: samples}, "", "v1", "telemetry")
	if err != nil {
		return result, err
	}
	call.repeatable = true
	return result, c.json(ctx, call, &result)
}
