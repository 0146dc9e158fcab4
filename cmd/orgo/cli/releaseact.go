package cli

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/initkoa/orgo/client"
	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/gates/rollout"
	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/records/release"
)

// releaseFlags are the flags of what is asked of a release.
type releaseFlags struct {
	reason, key string
	intent      string
	stage       string
	gates       []string
	caseID      string
	within      time.Duration
}

// releaseVerb is a command that asks for an action on a release.
type releaseVerb struct {
	use, short, long, example string
	// plain says that a reason may be given, and need not be.
	plain bool
	flags func(*pflag.FlagSet, *releaseFlags)
	// action is what is asked of the release as it is now.
	action func(release.Record, releaseFlags) (client.ReleaseAction, error)
	// says tells in the table form what the action is about.
	says func(io.Writer, release.Record) error
	done string
}

// releaseVerbs are the commands that ask for an action on a release. Hold and lift are
// also known as pause and resume.
var releaseVerbs = []releaseVerb{
	{
		use: "approve ID", short: "Approve a release, exactly as it is now", plain: true,
		long: `Approve a release, exactly as it is now: its pack, version, cohorts and policy, which
are printed. What is approved is named by a digest, the intent; if any of it changes, the
approval is void. With --intent it is that which was looked at before, or nothing.`,
		example: `  orgo release approve ID
  orgo release approve ID --intent sha256:DIGEST --reason "reviewed in case 4b1f"`,
		flags: intentFlag,
		action: func(r release.Record, f releaseFlags) (client.ReleaseAction, error) {
			ballot, err := ballotOf(r, f)
			return client.Approve{Ballot: ballot, Remark: client.Remark{Reason: f.reason}}, err
		},
		says: printIntent, done: "is approved",
	},
	{
		use: "reject ID", short: "Reject a release, exactly as it is now",
		example: "  orgo release reject ID --reason \"the prices are last year's\"",
		flags:   intentFlag,
		action: func(r release.Record, f releaseFlags) (client.ReleaseAction, error) {
			ballot, err := ballotOf(r, f)
			return client.Reject{Ballot: ballot, Because: f.because()}, err
		},
		says: printIntent, done: "is rejected",
	},
	{
		use: "promote ID", short: "Let a release out of the stage that it is in, once its judgement passes", plain: true,
		long: `Let a release out of the stage that it is in, where its strategy asks for a person
(manual: true). Its judgement has to pass all the same.`,
		example: "  orgo release promote ID",
		action: func(r release.Record, f releaseFlags) (client.ReleaseAction, error) {
			return client.Promote{Promote: release.Promote{Stage: r.Stage}, Remark: client.Remark{Reason: f.reason}}, nil
		},
		done: "is promoted",
	},
	holdVerb("hold"), holdVerb("pause"), liftVerb("lift"), liftVerb("resume"),
	{
		use: "abort ID", short: "End a release, and take back what it placed",
		example: "  orgo release abort ID --reason \"superseded by hand\"",
		action: func(_ release.Record, f releaseFlags) (client.ReleaseAction, error) {
			return client.Abort{Because: f.because()}, nil
		},
		done: "is told to end",
	},
	{
		use: "break-glass ID", short: "Ask to let a release past gates into one stage",
		long: `Ask to let a release past gates that refused it, into one stage and for some hours.
It counts once another person has confirmed it, for one use, and has to be reviewed by a
third within 72 hours, even if the release has ended: as long as a review is overdue, no
glass is broken anywhere. The policy says which gates can be (rule type override).`,
		example: `  orgo release break-glass ID --gate freeze --case 4b1f… --reason "outage, see the case"
  orgo release break-glass ID --gate freeze --gate rollout-health --stage rest --for 30m --case 4b1f… --reason "outage"`,
		flags: func(flags *pflag.FlagSet, f *releaseFlags) {
			flags.StringArrayVar(&f.gates, "gate", nil, "a gate that refused; orgo release why names it; may be repeated")
			flags.StringVar(&f.stage, "stage", "", "the one stage that it may enter (default: the one that it would enter next)")
			flags.StringVar(&f.caseID, "case", "", "the id (uuid) of the case in which it is followed up")
			flags.DurationVar(&f.within, "for", time.Hour, "how long it holds, at most 4h")
		},
		action: breakGlass, done: "waits for another person to confirm",
	},
	{
		use: "confirm-break-glass ID", short: "Confirm, as another person, that a release may go past gates",
		long: `Confirm, as another person than the one who asked, that a release may go past gates.
What refuses is not taken back: both stay in the record.`,
		example: "  orgo release confirm-break-glass ID --reason \"seen, outage\"",
		action: func(_ release.Record, f releaseFlags) (client.ReleaseAction, error) {
			return client.ConfirmBreakGlass{Because: f.because()}, nil
		},
		says: printGlass, done: "may go past them",
	},
	{
		use: "review-break-glass ID", short: "Say what the review of a broken glass has found",
		long: `Say what the review of a broken glass has found, as somebody who did not break it. A
release that has ended is reviewed, too.`,
		example: "  orgo release review-break-glass ID --reason \"justified; the freeze is shortened\"",
		action: func(_ release.Record, f releaseFlags) (client.ReleaseAction, error) {
			return client.ReviewBreakGlass{Because: f.because()}, nil
		},
		says: printGlass, done: "is reviewed",
	},
}

func holdVerb(name string) releaseVerb {
	return releaseVerb{
		use: name + " ID", short: "Keep a release where it is, until you lift the hold",
		example: "  orgo release " + name + " ID --reason \"support sees errors\"",
		action: func(_ release.Record, f releaseFlags) (client.ReleaseAction, error) {
			return client.HoldRelease{Because: f.because()}, nil
		},
		done: "is held",
	}
}

func liftVerb(name string) releaseVerb {
	return releaseVerb{
		use: name + " ID", short: "End your hold of a release",
		example: "  orgo release " + name + " ID --reason \"it was something else\"",
		action: func(_ release.Record, f releaseFlags) (client.ReleaseAction, error) {
			return client.LiftRelease{Because: f.because()}, nil
		},
		done: "is held by you no more",
	}
}

func (f releaseFlags) because() client.Because { return client.Because{Reason: f.reason} }

func intentFlag(flags *pflag.FlagSet, f *releaseFlags) {
	flags.StringVar(&f.intent, "intent", "", "the intent that was looked at, sha256:…; refused if it is another by now (default: the one that is printed)")
}

// ballotOf names what a vote is about.
func ballotOf(r release.Record, f releaseFlags) (release.Ballot, error) {
	if f.intent != "" {
		intent, err := digestOf(f.intent)
		return release.Ballot{Intent: intent}, err
	}
	if r.IntentDigest == nil {
		return release.Ballot{}, refusal(gates.InvalidTransition, "release %s is %s: there is nothing to vote on yet", r.ReleaseID, r.Phase)
	}
	return release.Ballot{Intent: *r.IntentDigest}, nil
}

func breakGlass(r release.Record, f releaseFlags) (client.ReleaseAction, error) {
	glass := release.Glass{Gates: f.gates, Stage: entering(r), CaseID: f.caseID, For: records.Duration(f.within)}
	switch {
	case len(f.gates) == 0:
		return nil, Usage("name with --gate the gate that refused; orgo release why %s names it", r.ReleaseID)
	case f.caseID == "":
		return nil, Usage("name with --case the case in which it is followed up")
	case f.within <= 0:
		return nil, Usage("--for must be above zero: broken glass always expires")
	case f.stage == "":
		return client.BreakGlass{Glass: glass, Because: f.because()}, nil
	}
	for i, stage := range r.Stages {
		if stage.Name == f.stage {
			glass.Stage = i
			return client.BreakGlass{Glass: glass, Because: f.because()}, nil
		}
	}
	return nil, Usage("release %s has no stage %q", r.ReleaseID, f.stage)
}

// entering is the stage that a release would enter next, one past the last to close.
func entering(r release.Record) int {
	if r.Phase == string(rollout.PhaseObserving) || r.Phase == string(rollout.PhaseSoaking) {
		return r.Stage + 1
	}
	return r.Stage
}

// printIntent says what is voted on.
func printIntent(w io.Writer, r release.Record) error { return columns(w, what(r)) }

// printGlass says what was broken.
func printGlass(w io.Writer, r release.Record) error {
	if r.BreakGlass == nil {
		return nil
	}
	_, err := fmt.Fprintf(w, "broken  %s\n", glassText(r))
	return err
}

func (a *app) releaseVerb(v releaseVerb) *cobra.Command {
	var f releaseFlags
	use := v.use
	if !v.plain {
		use += " --reason REASON"
	}
	cmd := &cobra.Command{
		Use: use, Short: v.short, Long: v.long, Example: v.example, Args: oneRelease(),
		RunE: func(cmd *cobra.Command, args []string) error {
			if !v.plain && f.reason == "" {
				return Usage("say why with --reason: it goes into the record")
			}
			c, err := a.connect()
			if err != nil {
				return err
			}
			now, err := c.Release(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			action, err := v.action(now, f)
			if err != nil {
				return err
			}
			after, err := c.ActOnRelease(cmd.Context(), args[0], action, f.key)
			if err != nil {
				return err
			}
			return a.print(after, func(w io.Writer) error {
				if v.says != nil {
					if err := v.says(w, now); err != nil {
						return err
					}
				}
				return printReleaseAction(w, v.done, after)
			})
		},
	}
	addAskFlags(cmd.Flags(), &f.reason, &f.key)
	if v.flags != nil {
		v.flags(cmd.Flags(), &f)
	}
	return cmd
}

// addAskFlags adds the flags of everything that is asked for.
func addAskFlags(flags *pflag.FlagSet, reason, key *string) {
	flags.StringVar(reason, "reason", "", "why, for the record")
	flags.StringVar(key, "idempotency-key", "", "names the action: the same key is the same action (default: a new one)")
}

func printReleaseAction(w io.Writer, what string, r release.Record) error {
	lines := append([]string{
		fmt.Sprintf("release %s %s; it is %s", r.ReleaseID, what, phaseText(r)), "  to follow it: orgo release watch " + r.ReleaseID,
	}, nextSteps(r)...)
	_, err := fmt.Fprintln(w, strings.Join(lines, "\n"))
	return err
}
