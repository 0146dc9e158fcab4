package releases_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/initkoa/orgo/activities/releases"
	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/gates/rollout"
	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/records/release"
)

// A channel that is opened after a pack was banned goes by what the others know, also
// if its release was checked before.
func TestAChannelGoesByWhatOthersKnow(t *testing.T) {
	t.Parallel()
	other := records.ChannelName{Environment: "staging", Name: "other"}
	for name, c := range map[string]struct {
		others, own func(*rollout.Channel, records.Digest)
		want        gates.Code
	}{
		"nothing is known": {want: ""},
		"another pack is revoked": {others: func(c *rollout.Channel, _ records.Digest) {
			c.Revoked = []records.Digest{records.DigestOf([]byte("x"))}
		}, want: ""},
		"revoked":                    {others: func(c *rollout.Channel, d records.Digest) { c.Revoked = []records.Digest{d} }, want: gates.ArtifactRevoked},
		"quarantined":                {others: func(c *rollout.Channel, d records.Digest) { c.Quarantined = []records.Digest{d} }, want: gates.PackQuarantined},
		"quarantined and cleared":    {others: func(c *rollout.Channel, d records.Digest) { c.Quarantined = []records.Digest{d} }, own: cleared, want: ""},
		"revoked, though it cleared": {others: func(c *rollout.Channel, d records.Digest) { c.Revoked = []records.Digest{d} }, own: cleared, want: gates.ArtifactRevoked},
		"both": {others: func(c *rollout.Channel, d records.Digest) {
			c.Quarantined, c.Revoked = []records.Digest{d}, []records.Digest{d}
		}, want: gates.ArtifactRevoked},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			digest := placement(t, b.member("m", 1, b.record.BuildID)).Pack.Digest
			its := b.opened(other, digest, c.others)
			to := b.opened(channel, digest, c.own)

			checked := must(b, b.act.Check, releases.CheckInput{Organization: organization, Request: b.request(b.record.BuildID), Channel: to})
			asked := entryOf(t, records.KindEvent, records.TypeActionAsked, records.ChannelSubject(organization, channel), "1", records.Command{
				Action: rollout.AskAdvance, Arguments: marshal(t, rollout.Advance{Warrant: rollout.Warrant{ReleaseID: "r", Pack: digest}}),
			})
			outcome := must(b, b.act.Ask, releases.AskInput{Organization: organization, Channel: channel, Entry: asked})
			if c.want == "" {
				require.NotContains(t, codes(checked.Problems), gates.ArtifactRevoked)
				require.NotContains(t, codes(checked.Problems), gates.PackQuarantined)
				require.Equal(t, []string{asked.ID}, b.temporal.woken)
				return
			}
			require.Contains(t, codes(checked.Problems), c.want)
			require.Equal(t, string(c.want), outcome.Code)
			require.Contains(t, outcome.Message, its.ChannelName().String()+" knows")
			require.Empty(t, b.temporal.woken, "the channel is asked nothing")
		})
	}
}

func cleared(c *rollout.Channel, d records.Digest) { c.Cleared = []records.Digest{d} }

// opened has a channel of which a record is written.
func (b *bench) opened(name records.ChannelName, pack records.Digest, change func(*rollout.Channel, records.Digest)) rollout.Record {
	record := rollout.NewRecord(organization, name)
	record.Version = 1
	if change != nil {
		change(&record.Channel, pack)
	}
	subject := records.ChannelSubject(organization, name)
	b.append(records.KindEvent, release.TypeChannelOpened, subject, "opened", release.ChannelOpened{Channel: name})
	b.append(records.KindRecord, records.TypeRecordWritten, subject, "v1", record)
	return record
}

func marshal(t *testing.T, document any) json.RawMessage {
	data, err := json.Marshal(document)
	require.NoError(t, err)
	return data
}
