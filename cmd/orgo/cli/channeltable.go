package cli

import (
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/initkoa/orgo/client"
	"github.com/initkoa/orgo/gates/rollout"
)

// printChannel prints a channel: what keeps it where it is, and its cohorts.
func printChannel(w io.Writer, r rollout.Record, now time.Time) error {
	head := [][]string{{"channel", r.ChannelName().String()}, {"state", r.State()}, {"index", indexText(r)}}
	add := func(of, format string, args ...any) { head = append(head, []string{of, fmt.Sprintf(format, args...)}) }
	if r.Nodes != nil {
		add("nodes", "%d", r.Nodes.Count)
	}
	if r.Turn != nil {
		add("moves", "release %s, version %s", r.Turn.ReleaseID, r.Turn.Pack.Version)
	}
	for _, q := range r.Queue {
		add("waits", "release %s, version %s", q.ReleaseID, q.Pack.Version)
	}
	if err := columns(w, append(head, keeping(r.Channel, now)...)); err != nil || len(r.Slots) == 0 {
		return err
	}
	fmt.Fprintln(w)
	return columns(w, slotRows(r))
}

// keeping says what keeps a channel from moving, or where it goes.
func keeping(c rollout.Channel, now time.Time) [][]string {
	var rows [][]string
	add := func(of, format string, args ...any) { rows = append(rows, []string{of, fmt.Sprintf(format, args...)}) }
	if c.Containment != nil {
		add("goes back", "%s, because of %s", joinCodes(c.Containment.Cohorts), c.Containment.Code)
	}
	for _, hold := range c.Holds {
		add("held", "by %s: %s", hold.Owner, hold.Reason)
	}
	for _, freeze := range c.Freezes {
		if now.Before(freeze.Until) {
			add("frozen", "by %s until %s: %s", freeze.Owner, timeText(freeze.Until), freeze.Reason)
		}
	}
	for _, pin := range c.Pins {
		if now.Before(pin.ExpiresAt) {
			add("pinned", "by %s, %s, until %s: %s, %s", pin.Owner, pin.For, timeText(pin.ExpiresAt), pin.Pack, pin.Reason)
		}
	}
	if c.Minimum != "" {
		add("minimum", "%s", c.Minimum)
	}
	for _, pack := range c.Revoked {
		add("revoked", "%s", pack)
	}
	for _, pack := range c.Quarantined {
		add("quarantined", "%s", pack)
	}
	for _, pack := range c.Cleared {
		add("cleared", "%s", pack)
	}
	return rows
}

func indexText(r rollout.Record) string {
	text := strconv.FormatInt(r.Sequence, 10)
	if r.Confirmed < r.Sequence {
		text += fmt.Sprintf(", of which %d is read back", r.Confirmed)
	}
	if len(r.Drifted) > 0 {
		text += ", drifted in " + joinCodes(r.Drifted)
	}
	return text
}

func slotRows(r rollout.Record) [][]string {
	share := map[string]string{}
	for _, portion := range r.Cohorts {
		share[portion.Cohort] = percent(portion.Points)
	}
	rows := [][]string{{"COHORT", "SHARE", "ACTIVE", "DESIRED", "RELEASE", "PACK"}}
	for _, slot := range r.Slots {
		release, pack := "-", "-"
		if slot.Desired != nil {
			release, pack = orNot(slot.Desired.ReleaseID), slot.Desired.Pack.Digest.String()
		}
		rows = append(rows, []string{slot.Cohort, orNot(share[slot.Cohort]), versionText(slot.Active), versionText(slot.Desired), release, pack})
	}
	return rows
}

func versionText(p *rollout.Placement) string {
	if p == nil {
		return "-"
	}
	return orNot(p.Pack.Version)
}

// printChannels prints one line for each channel.
func printChannels(w io.Writer, list client.ChannelList) error {
	rows := [][]string{{"CHANNEL", "STATE", "INDEX", "COHORTS", "MOVES", "WAITING", "HOLDS", "FREEZES", "PINS"}}
	for _, r := range list.Channels {
		moves := "-"
		if r.Turn != nil {
			moves = r.Turn.ReleaseID
		}
		rows = append(rows, []string{
			r.ChannelName().String(), r.State(), strconv.FormatInt(r.Sequence, 10), strconv.Itoa(len(r.Slots)), moves, strconv.Itoa(len(r.Queue)),
			strconv.Itoa(len(r.Holds)), strconv.Itoa(len(r.Freezes)), strconv.Itoa(len(r.Pins)),
		})
	}
	return columns(w, rows)
}
