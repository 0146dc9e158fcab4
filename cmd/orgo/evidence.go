package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/initkoa/orgo/cmd/orgo/cli"
	"github.com/initkoa/orgo/cmd/stack"
	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/records/evidence"
	"github.com/initkoa/orgo/records/store"
)

func auditExport() *cobra.Command {
	var export stack.Export
	cmd := &cobra.Command{
		Use: "export ID", Short: "Write everything that proves a build or a release into one directory",
		Long: `Writes a bundle: every entry of the build with its proof that it is in the log, the
signed checkpoint, what was pinned, what was attested, and the keys' entries. Of what was
erased it has the erasure: when, by whom and why.

With the id of a release it has all of that of the build that it brings, and of the
release every version of its record, every decision and everything else that happened up
to now. The release has to have closed well or ended.
"orgo audit verify --bundle DIR" checks it anywhere, with the log's public key alone.`,
		Example: "  orgo audit export ID --out ./evidence-of-ID\n" +
			"  orgo audit export ID --store postgres://auditor@db/orgo --artifacts file:///var/lib/orgo/artifacts",
		Args: oneRecord,
		RunE: func(cmd *cobra.Command, args []string) error {
			dsn, directory, err := storeOf(cmd)
			if err != nil {
				return err
			}
			export.Store, export.ID = dsn, args[0]
			if export.Artifacts, err = artifactsOf(cmd, directory); err != nil {
				return err
			}
			if export.Directory == "" {
				export.Directory = "evidence-" + export.ID
			}
			if err := exported(export.Run(cmd.Context())); err != nil {
				return err
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s\nto check it anywhere: orgo audit verify --bundle %s --key ledger.key.pub\n",
				export.Directory, export.Directory)
			return err
		},
	}
	addStoreFlags(cmd)
	cmd.Flags().String("artifacts", "", "the artifact store: file:///DIR (ORGO_ARTIFACTS; default: that of the local stack)")
	cmd.Flags().StringVar(&export.Directory, "out", "", "the new directory to write (default: evidence-ID)")
	cmd.Flags().StringVar(&export.Organization, "organization", records.DefaultOrganization, "whose build or release it is")
	return cmd
}

// oneRecord admits the id of a build or a release.
func oneRecord(cmd *cobra.Command, args []string) error {
	if len(args) != 1 || args[0] == "" {
		return cli.Usage("%s takes the id of one build or release; see \"%s --help\"", cmd.CommandPath(), cmd.CommandPath())
	}
	return nil
}

// artifactsOf returns the artifact store that was asked for, or a local stack's.
func artifactsOf(cmd *cobra.Command, directory string) (string, error) {
	url, _ := cmd.Flags().GetString("artifacts")
	if url == "" {
		url = os.Getenv("ORGO_ARTIFACTS")
	}
	if url != "" {
		return url, nil
	}
	path, err := filepath.Abs(filepath.Join(directory, "artifacts"))
	return "file://" + path, err
}

// exported gives the errors of an export their reason codes.
func exported(err error) error {
	var pending *evidence.PendingError
	var refused *evidence.Refusal
	switch {
	case errors.As(err, &pending):
		return cli.Refused(gates.LedgerPending, "%v", err)
	case errors.As(err, &refused):
		return cli.Refused(gates.RecordUnavailable, "%v", err)
	case errors.Is(err, fs.ErrExist):
		return cli.Usage("%v; name another with --out", err)
	case errors.Is(err, store.ErrNotFound):
		return cli.Refused(gates.NotFound, "%v", err)
	default:
		return err
	}
}

// verifyBundle checks a bundle and prints what it proves.
func verifyBundle(cmd *cobra.Command, directory, key string) error {
	report, err := stack.VerifyBundle(directory, key)
	var refused *evidence.Refusal
	if errors.As(err, &refused) {
		return cli.Refused(gates.BundleInvalid, "%s: %v", directory, err)
	}
	if err != nil {
		return err
	}
	return show(cmd, report, func(w io.Writer) error { return writeProof(w, report) })
}

func writeProof(out io.Writer, report evidence.Report) error {
	codes := ""
	if len(report.Codes) > 0 {
		codes = " (" + strings.Join(report.Codes, ", ") + ")"
	}
	if _, err := fmt.Fprintf(out, "proved: build %s of organization %s ended %s%s at %s\nlog %s, size %d; %d entries, %d documents; attested by key %s\n",
		report.BuildID, report.Organization, report.State, codes, report.EndedAt.Format("2006-01-02T15:04:05Z"),
		report.LogOrigin, report.LogSize, report.Entries, report.Artifacts, report.KeyID); err != nil {
		return err
	}
	for _, subject := range report.Subjects {
		if _, err := fmt.Fprintf(out, "  %-30s sha256:%s\n", subject.Name, subject.Digest["sha256"]); err != nil {
			return err
		}
	}
	if err := writeReleased(out, report.Release); err != nil {
		return err
	}
	return writeNoLonger(out, report)
}

// writeReleased prints what is proved of a release.
func writeReleased(out io.Writer, r *evidence.Released) error {
	if r == nil {
		return nil
	}
	text := fmt.Sprintf("proved: release %s of version %s to %s was %s", r.ReleaseID, r.Version, r.Channel, r.Phase)
	if r.Code != "" {
		text += " (" + r.Code + ")"
	}
	text += fmt.Sprintf(" at %s, by the last of %d versions of its record; %d decisions", r.At.Format(time.RFC3339), r.Versions, r.Decisions)
	for _, remark := range []struct {
		is   bool
		text string
	}{{r.Solo, "; nobody besides the requester had to agree"}, {r.BreakGlass, "; glass was broken"}} {
		if remark.is {
			text += remark.text
		}
	}
	if _, err := fmt.Fprintln(out, text); err != nil {
		return err
	}
	if r.Pack != nil {
		if _, err := fmt.Fprintf(out, "  pack %s\n", r.Pack); err != nil {
			return err
		}
	}
	for _, a := range r.Attested {
		retired := ""
		if a.KeyRetired != nil {
			retired = fmt.Sprintf(", which was retired at %s", a.KeyRetired.At.Format(time.RFC3339))
		}
		if _, err := fmt.Fprintf(out, "  version %d, %s, attested by key %s%s\n", a.Version, a.Phase, a.KeyID, retired); err != nil {
			return err
		}
	}
	return nil
}

// writeNoLonger prints what was erased, and that the key was retired.
func writeNoLonger(out io.Writer, report evidence.Report) error {
	for _, e := range report.Erased {
		if _, err := fmt.Fprintf(out, "  leaf %d, %s: erased at %s by %s, %s: %s\n",
			e.Leaf, e.Type, e.At.Format(time.RFC3339), e.Actor, e.Reason, strings.Join(e.Fields, ", ")); err != nil {
			return err
		}
	}
	if r := report.KeyRetired; r != nil {
		_, err := fmt.Fprintf(out, "  leaf %d, key %s: retired at %s by %s, %s; it attested the build before\n",
			r.Leaf, report.KeyID, r.At.Format(time.RFC3339), r.Actor, r.Reason)
		return err
	}
	return nil
}
