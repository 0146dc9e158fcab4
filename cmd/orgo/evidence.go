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
		Use: "export BUILD_ID", Short: "Write everything that proves a build into one directory",
		Long: `Writes a bundle: every entry of the build with its proof that it is in the log, the
signed checkpoint, what was pinned, what was attested, and the keys' entries. Of what was
erased it has the erasure: when, by whom and why.
"orgo audit verify --bundle DIR" checks it anywhere, with the log's public key alone.`,
		Example: "  orgo audit export ID --out ./evidence-of-ID\n" +
			"  orgo audit export ID --store postgres://auditor@db/orgo --artifacts file:///var/lib/orgo/artifacts",
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			dsn, directory, err := storeOf(cmd)
			if err != nil {
				return err
			}
			export.Store, export.BuildID = dsn, args[0]
			if export.Artifacts, err = artifactsOf(cmd, directory); err != nil {
				return err
			}
			if export.Directory == "" {
				export.Directory = "evidence-" + export.BuildID
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
	cmd.Flags().StringVar(&export.Directory, "out", "", "the new directory to write (default: evidence-BUILD_ID)")
	cmd.Flags().StringVar(&export.Organization, "organization", records.DefaultOrganization, "whose build it is")
	return cmd
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
	return writeNoLonger(out, report)
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
