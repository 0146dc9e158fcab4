package cli

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/initkoa/orgo/client"
	"github.com/initkoa/orgo/records/cases"
)

// actFlags are the flags of what is done to Cases and Tasks.
type actFlags struct {
	reason, key    string
	to, resolution string
	owners         []string
	ref, note      string
	text           string
	version        int64
	force          bool
}

// caseVerb is a command that does something to a Case.
type caseVerb struct {
	use, short, long, example string
	flags                     func(*pflag.FlagSet, *actFlags)
	action                    func(cases.Case, actFlags) (client.CaseAction, error)
	done                      string
}

var caseVerbs = []caseVerb{
	{
		use: "transition ID --to STATE", short: "Take a case to another state",
		long: `Take a case to another state. BLOCKED, CANCELLED and FAILED need a --reason, COMPLETED and
WAITING_REVIEW a --resolution. Who approves (from WAITING_REVIEW to COMPLETED) is another
person than who resolved it; who refuses goes back to IN_PROGRESS with a --reason.

Without --version the case is read first, and what is read is what was seen: if somebody
changes it meanwhile, the command is refused with VERSION_STALE and says what changed.`,
		example: `  orgo case transition ID --to IN_PROGRESS
  orgo case transition ID --to BLOCKED --reason "waits for the vendor"
  orgo case transition ID --to COMPLETED --resolution "the list of May" --version 7`,
		flags: func(flags *pflag.FlagSet, f *actFlags) {
			addMoveFlags(flags, f, cases.Statuses())
			flags.BoolVar(&f.force, "force", false, "complete it also while a build that it is about runs, which is recorded")
			addVersionFlag(flags, f)
		},
		action: func(c cases.Case, f actFlags) (client.CaseAction, error) {
			to, err := stateOf(f.to, cases.Statuses())
			return client.MoveCase{To: to, Resolution: f.resolution, Force: f.force, Seen: f.seen(c.Version), Remark: client.Remark{Reason: f.reason}}, err
		},
		done: "is moved",
	},
	{
		use: "assign ID --owner OWNER", short: "Change who owns a case",
		example: "  orgo case assign ID --owner team:operators --owner user:ann --reason \"on call\"",
		flags: func(flags *pflag.FlagSet, f *actFlags) {
			flags.StringSliceVar(&f.owners, "owner", nil, "who owns it from now on: user:ID, team:ID or service:ID; may be repeated")
			addVersionFlag(flags, f)
		},
		action: func(c cases.Case, f actFlags) (client.CaseAction, error) {
			owners, err := ownersOf(f.owners)
			if err == nil && len(owners) == 0 {
				err = Usage("name with --owner who owns it from now on")
			}
			return client.AssignCase{Owners: owners, Seen: f.seen(c.Version), Remark: client.Remark{Reason: f.reason}}, err
		},
		done: "is assigned",
	},
	{
		use: "reopen ID --reason REASON", short: "Take a case that has ended back to OPEN, where its route lets it",
		example: "  orgo case reopen ID --reason \"it is back\"",
		flags:   addVersionFlag,
		action: func(c cases.Case, f actFlags) (client.CaseAction, error) {
			if f.reason == "" {
				return nil, Usage("say why with --reason: it goes into the record")
			}
			return client.ReopenCase{Seen: f.seen(c.Version), Remark: client.Remark{Reason: f.reason}}, nil
		},
		done: "is reopened",
	},
	{
		use: "link ID --ref TYPE:REF", short: "Add a reference to a case",
		example: "  orgo case link ID --ref build:ID --note \"the same list\"",
		flags: func(flags *pflag.FlagSet, f *actFlags) {
			flags.StringVar(&f.ref, "ref", "", "what it leads to: TYPE:REF, as build:ID, case:ID or url:https://…")
			flags.StringVar(&f.note, "note", "", "what that is")
		},
		action: func(_ cases.Case, f actFlags) (client.CaseAction, error) {
			ref, err := refOf(f.ref)
			ref.Note = f.note
			return client.LinkCase{Ref: ref, Remark: client.Remark{Reason: f.reason}}, err
		},
		done: "is linked",
	},
	{
		use: "comment ID --text TEXT", short: "Say something about a case, also one that has ended",
		example: "  orgo case comment ID --text \"the vendor answers tomorrow\"",
		flags:   addTextFlag,
		action: func(_ cases.Case, f actFlags) (client.CaseAction, error) {
			return client.CommentCase{Text: f.text}, f.said()
		},
		done: "has your comment",
	},
}

func addMoveFlags[S ~string](flags *pflag.FlagSet, f *actFlags, states []S) {
	flags.StringVar(&f.to, "to", "", "the state that it goes to: "+joined(states))
	flags.StringVar(&f.resolution, "resolution", "", "how it was resolved")
}

func addVersionFlag(flags *pflag.FlagSet, f *actFlags) {
	flags.Int64Var(&f.version, "version", 0, "the version that you have seen (default: the current one, read first)")
}

func addTextFlag(flags *pflag.FlagSet, f *actFlags) {
	flags.StringVar(&f.text, "text", "", "what you say")
}

// seen is the version that the writer has seen: what they say, or what was just read.
func (f actFlags) seen(read int64) client.Seen {
	if f.version != 0 {
		return client.Seen{Version: f.version}
	}
	return client.Seen{Version: read}
}

func (f actFlags) said() error {
	if f.text == "" {
		return Usage("say it with --text")
	}
	return nil
}

// stateOf reads a state, in whatever case it is written.
func stateOf[S ~string](text string, states []S) (S, error) {
	for _, state := range states {
		if strings.EqualFold(text, string(state)) {
			return state, nil
		}
	}
	return "", Usage("name with --to the state that it goes to: %s", joined(states))
}

func (a *app) caseVerb(v caseVerb) *cobra.Command {
	var f actFlags
	cmd := &cobra.Command{
		Use: v.use, Short: v.short, Long: v.long, Example: v.example, Args: oneCase(),
		RunE: func(cmd *cobra.Command, args []string) error {
			// What is wrong with the flags is known without the server.
			if _, err := v.action(cases.Case{}, f); err != nil {
				return err
			}
			c, err := a.connect()
			if err != nil {
				return err
			}
			now, err := c.Case(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			action, err := v.action(now, f)
			if err != nil {
				return err
			}
			after, err := c.ActOnCase(cmd.Context(), args[0], action, f.key)
			if err != nil {
				return a.stale(err, "case", args[0])
			}
			return a.print(after, func(w io.Writer) error { return printDone(w, v.done, after) })
		},
	}
	addAskFlags(cmd.Flags(), &f.reason, &f.key)
	v.flags(cmd.Flags(), &f)
	return cmd
}

// stale prints for people what a stale writer has not seen, and returns the error.
func (a *app) stale(err error, what, id string) error {
	problem := problemOf(err)
	if problem.Conflict == nil || a.structured() {
		return err
	}
	for _, change := range problem.Conflict.Changes {
		text := fmt.Sprintf("%s  version %d  %s by %s", timeText(change.At), change.Version, strings.TrimPrefix(change.Type, "orgo."), change.Actor)
		if change.To != "" {
			text += ": to " + change.To
		}
		if change.Reason != "" {
			text += " (" + change.Reason + ")"
		}
		fmt.Fprintln(a.streams.Err, text)
	}
	fmt.Fprintf(a.streams.Err, "  to look at it: orgo %s get %s; then again with --version %d\n", what, id, problem.Conflict.Current)
	return err
}
