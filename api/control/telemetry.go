package control

import (
	"context"
	"encoding/json"
	"errors"

	"github.com/initkoa/orgo/api"
	"github.com/initkoa/orgo/client"
	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/records/store"
	"github.com/initkoa/orgo/records/telemetry"
)

// TelemetryStore is what telemetry needs of the record store.
type TelemetryStore interface {
	AppendTelemetry(ctx context.Context, organization string, items []store.TelemetryItem) ([]store.TelemetryOutcome, error)
}

// Telemetry takes samples from services.
type Telemetry struct {
	Store    TelemetryStore
	Releases telemetry.Directory
	Clock    Clock
	Limits   telemetry.Limits
}

var _ api.Telemetry = Telemetry{}

// NoReleases is the directory of a server that runs no releases: it knows none, so
// every sample is refused with RELEASE_UNKNOWN.
type NoReleases struct{}

var _ telemetry.Directory = NoReleases{}

// Known finds nothing.
func (NoReleases) Known(context.Context, string, string) (telemetry.Release, bool, error) {
	return telemetry.Release{}, false, nil
}

// Accept reads, admits and stores samples of an organization. One that is refused
// keeps no other back.
func (t Telemetry) Accept(ctx context.Context, organization string, samples []json.RawMessage) (client.TelemetryResult, error) {
	intake := &intake{Telemetry: t, organization: organization, known: map[string]telemetry.Admission{},
		result: client.TelemetryResult{Codes: map[string]int{}, Refusals: []client.RefusedSample{}}}
	for i, sent := range samples {
		if err := intake.admit(ctx, i, sent); err != nil {
			return client.TelemetryResult{}, err
		}
	}
	outcomes, err := t.Store.AppendTelemetry(ctx, organization, intake.items)
	if err != nil {
		return client.TelemetryResult{}, err
	}
	for i, outcome := range outcomes {
		intake.settle(intake.indices[i], intake.items[i], outcome)
	}
	return intake.result, nil
}

// intake is one batch on its way into the store.
type intake struct {
	Telemetry
	organization string
	known        map[string]telemetry.Admission // by release
	items        []store.TelemetryItem          // to be stored
	indices      []int                          // of items, among what was sent
	result       client.TelemetryResult
}

// admit reads a sample, and puts it with those to be stored or refuses it.
func (in *intake) admit(ctx context.Context, index int, sent []byte) error {
	item, err := telemetry.Read(sent)
	var invalid *telemetry.InvalidSample
	if errors.As(err, &invalid) {
		first := invalid.Problems[0]
		in.refuse(client.RefusedSample{Index: index, Code: string(telemetry.SampleInvalid), Pointer: first.Pointer, Message: first.Message})
		return nil
	}
	if err != nil {
		return err
	}
	admission, asked := in.known[item.ReleaseID]
	if !asked {
		admission = telemetry.Admission{Organization: in.organization, Limits: in.Limits, Now: in.Clock.Now()}
		if admission.Release, admission.Found, err = in.Releases.Known(ctx, in.organization, item.ReleaseID); err != nil {
			return err
		}
		in.known[item.ReleaseID] = admission
	}
	code := admission.Admit(item.Sample)
	if !code.Kept() {
		in.refuse(explained(index, item.ID, code))
		return nil
	}
	in.items = append(in.items, store.TelemetryItem{Item: item, Code: code, ReceivedAt: admission.Now})
	in.indices = append(in.indices, index)
	return nil
}

// settle counts what became of a sample that was to be stored.
func (in *intake) settle(index int, item store.TelemetryItem, outcome store.TelemetryOutcome) {
	switch {
	case outcome == store.TelemetryDuplicate:
		in.result.Duplicate++
	case outcome == store.TelemetryConflict:
		in.refuse(explained(index, item.ID, telemetry.SampleConflict))
	case item.Code != telemetry.Counts:
		in.refuse(explained(index, item.ID, item.Code))
	default:
		in.result.Accepted++
	}
}

func explained(index int, id string, code telemetry.Code) client.RefusedSample {
	reason, _ := gates.Lookup(gates.Code(code))
	return client.RefusedSample{Index: index, SampleID: id, Code: string(code), Message: reason.Meaning}
}

func (in *intake) refuse(refused client.RefusedSample) {
	in.result.Refused++
	in.result.Codes[refused.Code]++
	if len(in.result.Refusals) < client.MaxRefusals {
		in.result.Refusals = append(in.result.Refusals, refused)
	}
}
