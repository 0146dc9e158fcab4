package cli

import (
	"context"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/initkoa/orgo/client"
	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/gates/rollout"
	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/records/release"
)

// channelFlags are the flags of what is asked of a channel.
type channelFlags struct {
	reason, key string
	owner       string
	until       string
	within      time.Duration
	pinFor      string
	pack        string
	packs       []string
	release     string
	version     string
}

// asking is what an action is made of.
type asking struct {
	client  *client.Client
	channel records.ChannelName
	flags   channelFlags
}

func (q asking) because() client.Because { return client.Because{Reason: q.flags.reason} }

// channelVerb is a command that asks for an action on a channel.
type channelVerb struct {
	use, short, long, example string
	flags                     func(*pflag.FlagSet, *channelFlags)
	// bad says what is missing on the command line.
	bad    func(channelFlags) error
	action func(context.Context, asking) (client.ChannelAction, error)
	done   string
}

// channelVerbs are the commands that ask for an action on a channel.
var channelVerbs = []channelVerb{
	{
		use: "hold", short: "Keep everything on a channel from moving forward, until you lift the hold",
		example: `  orgo channel hold prod/main --reason "support sees errors"`,
		action: func(_ context.Context, q asking) (client.ChannelAction, error) {
			return client.HoldChannel{Because: q.because()}, nil
		},
		done: "is held",
	},
	{
		use: "lift", short: "End your hold of a channel, or the one that followed a rollback",
		example: `  orgo channel lift prod/main --reason "it was something else"
  orgo channel lift prod/main --owner orgo/rollback --reason "cause found, see the case"`,
		flags: func(flags *pflag.FlagSet, f *channelFlags) {
			flags.StringVar(&f.owner, "owner", "", "whose hold: "+rollout.AfterRollback+" for the one that followed a rollback (default: your own)")
		},
		action: func(_ context.Context, q asking) (client.ChannelAction, error) {
			return client.LiftChannel{Lift: release.Lift{Owner: q.flags.owner}, Because: q.because()}, nil
		},
		done: "is held so no more",
	},
	{
		use: "freeze", short: "Keep everything on a channel from moving forward until a time",
		long: "Keep everything on a channel from moving forward until a time. Rollbacks and revocations\ngo on. A new freeze of yours replaces the one before.",
		example: `  orgo channel freeze prod/main --until 2026-12-27T08:00:00Z --reason "holidays"
  orgo channel freeze prod/main --for 4h --reason "migration"`,
		flags: func(flags *pflag.FlagSet, f *channelFlags) {
			flags.StringVar(&f.until, "until", "", "when it ends, as 2026-12-27T08:00:00Z")
			flags.DurationVar(&f.within, "for", 0, "how long it lasts, as 4h")
		},
		bad: func(f channelFlags) error {
			if (f.until == "") == (f.within == 0) {
				return Usage("say with --until when the freeze ends, or with --for how long it lasts")
			}
			return nil
		},
		action: func(_ context.Context, q asking) (client.ChannelAction, error) {
			if q.flags.until == "" {
				q.flags.until = q.flags.within.String()
			}
			until, err := untilTime(q.flags.until, time.Now())
			return client.Freeze{Freeze: release.Freeze{Until: until}, Because: q.because()}, err
		},
		done: "is frozen",
	},
	{
		use: "unfreeze", short: "End your freeze of a channel",
		example: `  orgo channel unfreeze prod/main --reason "migration done"`,
		action: func(_ context.Context, q asking) (client.ChannelAction, error) {
			return client.Unfreeze{Because: q.because()}, nil
		},
		done: "is frozen by you no more",
	},
	{
		use: "pin", short: "Fix a pack as the active one, or as the one that rollbacks go to",
		example: `  orgo channel pin prod/main --release ID --for rollback --until 24h --reason "1.3 has the same fault"
  orgo channel pin prod/main --pack sha256:DIGEST --for active --until 2026-12-27T08:00:00Z --reason "audit"`,
		flags: func(flags *pflag.FlagSet, f *channelFlags) {
			flags.StringVar(&f.pack, "pack", "", "the pack with this digest of its content, sha256:…")
			flags.StringVar(&f.release, "release", "", "the pack of this release")
			flags.StringVar(&f.pinFor, "for", "", "active: nothing else moves forward; rollback: rollbacks go there")
			flags.StringVar(&f.until, "until", "", "when it ends: a time, or 24h from now")
		},
		bad: func(f channelFlags) error {
			switch {
			case (f.pack == "") == (f.release == ""):
				return Usage("name the pack with --pack or with --release")
			case !knownPin(f.pinFor):
				return Usage("say with --for what is fixed: %s or %s", rollout.PinActive, rollout.PinRollback)
			case f.until == "":
				return Usage("say with --until when the pin ends: it always does")
			}
			return nil
		},
		action: pinAction, done: "is pinned",
	},
	{
		use: "unpin", short: "End a pin of yours",
		example: `  orgo channel unpin prod/main --for rollback --reason "1.3.1 is out"`,
		flags: func(flags *pflag.FlagSet, f *channelFlags) {
			flags.StringVar(&f.pinFor, "for", string(rollout.PinActive), "which pin: active or rollback")
		},
		bad: func(f channelFlags) error {
			if !knownPin(f.pinFor) {
				return Usage("--for is %s or %s", rollout.PinActive, rollout.PinRollback)
			}
			return nil
		},
		action: func(_ context.Context, q asking) (client.ChannelAction, error) {
			return client.Unpin{Unpin: release.Unpin{For: q.flags.pinFor}, Because: q.because()}, nil
		},
		done: "is pinned so no more",
	},
	{
		use: "set-min", short: "Raise the lowest version that may be active on a channel",
		long:    "Raise the lowest version that may be active on a channel. It only rises, and what is\nactive below it is taken back.",
		example: `  orgo channel set-min prod/main --version 1.4.0 --reason "older ones leak prices"`,
		flags: func(flags *pflag.FlagSet, f *channelFlags) {
			flags.StringVar(&f.version, "version", "", "the lowest version, x.y.z")
		},
		bad: func(f channelFlags) error {
			if f.version == "" {
				return Usage("name with --version the lowest version, x.y.z")
			}
			return nil
		},
		action: func(_ context.Context, q asking) (client.ChannelAction, error) {
			return client.SetMinimum{Minimum: release.Minimum{Version: q.flags.version}, Because: q.because()}, nil
		},
		done: "has a new minimum",
	},
	{
		use: "clear", short: "End the quarantine of packs on a channel",
		example: `  orgo channel clear prod/main --reason "false alarm"
  orgo channel clear prod/main --pack sha256:DIGEST --reason "false alarm"`,
		flags: func(flags *pflag.FlagSet, f *channelFlags) {
			flags.StringArrayVar(&f.packs, "pack", nil, "only the pack with this digest; may be repeated (default: all that are in quarantine)")
		},
		action: clearAction, done: "is cleared",
	},
}

func knownPin(of string) bool {
	return slices.Contains([]rollout.PinFor{rollout.PinActive, rollout.PinRollback}, rollout.PinFor(of))
}

func pinAction(ctx context.Context, q asking) (client.ChannelAction, error) {
	until, err := untilTime(q.flags.until, time.Now())
	if err != nil {
		return nil, err
	}
	pin := client.Pin{Pin: release.Pin{For: q.flags.pinFor, ExpiresAt: until}, Because: q.because()}
	if q.flags.release == "" {
		pin.Pack, err = digestOf(q.flags.pack)
		return pin, err
	}
	of, err := q.client.Release(ctx, q.flags.release)
	if err != nil {
		return nil, err
	}
	if of.Intent == nil {
		return nil, refusal(gates.InvalidTransition, "release %s is %s: its pack is not known", of.ReleaseID, of.Phase)
	}
	pin.Pack = of.Intent.Pack
	return pin, nil
}

func clearAction(ctx context.Context, q asking) (client.ChannelAction, error) {
	clearing := client.Clear{Because: q.because()}
	for _, text := range q.flags.packs {
		pack, err := digestOf(text)
		if err != nil {
			return nil, err
		}
		clearing.Packs.Packs = append(clearing.Packs.Packs, pack)
	}
	if len(q.flags.packs) > 0 {
		return clearing, nil
	}
	record, err := q.client.Channel(ctx, q.channel)
	if err != nil {
		return nil, err
	}
	if len(record.Quarantined) == 0 {
		return nil, refusal(gates.InvalidTransition, "channel %s has nothing in quarantine", q.channel)
	}
	clearing.Packs.Packs = record.Quarantined
	return clearing, nil
}

func (a *app) channelVerb(v channelVerb) *cobra.Command {
	var f channelFlags
	cmd := &cobra.Command{
		Use: v.use + " ENVIRONMENT/CHANNEL --reason REASON", Short: v.short, Long: v.long, Example: v.example, Args: oneChannel(),
		RunE: func(cmd *cobra.Command, args []string) error {
			name, err := channelName(args[0])
			if err != nil {
				return err
			}
			if v.bad != nil {
				if err := v.bad(f); err != nil {
					return err
				}
			}
			if f.reason == "" {
				return Usage("say why with --reason: it goes into the record")
			}
			c, err := a.connect()
			if err != nil {
				return err
			}
			action, err := v.action(cmd.Context(), asking{c, name, f})
			if err != nil {
				return err
			}
			record, err := c.ActOnChannel(cmd.Context(), name, action, f.key)
			if err != nil {
				return err
			}
			return a.print(record, func(w io.Writer) error {
				fmt.Fprintf(w, "channel %s %s\n", name, v.done)
				return columns(w, keeping(record.Channel, time.Now()))
			})
		},
	}
	addAskFlags(cmd.Flags(), &f.reason, &f.key)
	if v.flags != nil {
		v.flags(cmd.Flags(), &f)
	}
	return cmd
}
