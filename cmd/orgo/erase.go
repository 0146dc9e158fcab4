package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/initkoa/orgo/cmd/orgo/cli"
	"github.com/initkoa/orgo/cmd/stack"
	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/records/store"
)

func auditErase() *cobra.Command {
	var erase stack.Erase
	var confirmed bool
	cmd := &cobra.Command{
		Use: "erase [ENTRY_ID…] --reason REASON", Short: "Erase personal data for good; the log still verifies and says so",
		Long: `Replaces names and what people wrote by "[erased]": the actor, the one it was done on
behalf of and the reason of an entry, the same in the request and record of a build,
and the request document itself; notes, messages and the details of failures that a
runner wrote, and its stderr. Of a build's entries also its record is erased, which
repeats them. That cannot be undone.

The log holds only commitments to them, so that it still verifies; each erasure is an
entry of its own, with who erased, when and why. "orgo audit verify" lists them. A build
must have ended. "orgo audit export" then exports what is left and the erasures. On
Postgres this needs the role orgo_eraser.`,
		Example: "  orgo audit erase --person alice --dry-run\n" +
			"  orgo audit erase --person alice --reason \"request 7 of the privacy office\" --yes\n" +
			"  orgo audit erase 0fa0b168-e037-82e8-8662-3b09d4f52382 --reason \"a name in the reason\" --yes\n" +
			"  orgo events tail --after -1 --follow=false --type 'orgo.stage.*'    # which entries have what a runner wrote",
		RunE: func(cmd *cobra.Command, args []string) error {
			erase.Entries = args
			switch {
			case len(args) == 0 && erase.Person == "":
				return cli.Usage("audit erase: name entries, or a person with --person")
			case erase.DryRun:
			case erase.Reason == "":
				return cli.Usage("audit erase: say why with --reason: it goes into the log")
			case !confirmed:
				return cli.Usage("audit erase: this cannot be undone: look with --dry-run, then repeat with --yes")
			}
			dsn, directory, err := storeOf(cmd)
			if err != nil {
				return err
			}
			erase.Store = dsn
			if erase.Artifacts, err = artifactsOf(cmd, directory); err != nil {
				return err
			}
			if erase.Actor == "" {
				erase.Actor = stack.Username()
			}
			erase.Erased = func(erasure records.Erasure) {
				fmt.Fprintln(cmd.OutOrStdout(), strings.TrimSpace(erasure.EntryID+"  "+erasure.Type+"  "+strings.Join(erasure.Fields, ", ")))
			}
			count, err := erase.Run(cmd.Context())
			if err := erasureFault(err); err != nil {
				return err
			}
			done := "erased"
			if erase.DryRun {
				done = "would be looked at"
			}
			_, err = fmt.Fprintf(cmd.ErrOrStderr(), "%d entries %s\n", count, done)
			return err
		},
	}
	addStoreFlags(cmd)
	flags := cmd.Flags()
	flags.String("artifacts", "", "the artifact store: file:///DIR (ORGO_ARTIFACTS; default: that of the local stack)")
	flags.StringVar(&erase.Organization, "organization", records.DefaultOrganization, "whose entries they are")
	flags.StringVar(&erase.Person, "person", "", "every entry that names this actor")
	flags.StringVar(&erase.Reason, "reason", "", "why, for the log; name nobody in it")
	flags.StringVar(&erase.Actor, "as", "", "who erases, for the log (default: the user who runs this)")
	flags.BoolVar(&erase.DryRun, "dry-run", false, "only list the entries")
	flags.BoolVar(&confirmed, "yes", false, "yes, for good")
	return cmd
}

func erasureFault(err error) error {
	var refused *store.ErasureRefused
	switch {
	case errors.As(err, &refused):
		return cli.Refused(gates.InvalidTransition, "%v", err)
	case errors.Is(err, store.ErrNotFound):
		return cli.Refused(gates.NotFound, "%v", err)
	default:
		return err
	}
}
