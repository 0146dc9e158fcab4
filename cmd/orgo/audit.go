package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/initkoa/orgo/client"
	"github.com/initkoa/orgo/cmd/orgo/cli"
	"github.com/initkoa/orgo/cmd/stack"
	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/records/store"
)

// audit are the commands of auditors. They read the record store themselves and
// ask no server, which could say anything.
func audit() *cobra.Command {
	cmd := &cobra.Command{
		Use: "audit", Short: "Check the evidence without trusting the server",
		Example: "  orgo audit verify                                  # of the local stack in .orgo\n" +
			"  orgo audit gates ID                                # what was decided of a build or a release\n" +
			"  orgo audit checkpoint > kept.txt                   # keep it where the database cannot reach it\n" +
			"  orgo audit verify --checkpoint kept.txt",
		Args: cobra.NoArgs,
		// In place of the root's, which reads the settings of the command line.
		PersistentPreRunE: func(*cobra.Command, []string) error { return nil },
	}
	cmd.RunE = func(cmd *cobra.Command, _ []string) error { return cmd.Help() }
	cmd.AddCommand(auditVerify(), auditTimeline(), auditGates(), auditArtifacts(), auditExport(), auditErase(), auditRebuild(), auditCheckpoint(), auditKeygen())
	return cmd
}

// addStoreFlags adds the flags that say where the store is.
func addStoreFlags(cmd *cobra.Command) {
	cmd.Flags().String("store", "", "the record store: sqlite:///PATH or postgres://… (ORGO_STORE; default: that of the local stack)")
}

// storeOf returns the DSN that was asked for, or that of a local stack.
func storeOf(cmd *cobra.Command) (dsn, directory string, err error) {
	dsn, _ = cmd.Flags().GetString("store")
	if dsn == "" {
		dsn = os.Getenv("ORGO_STORE")
	}
	directory = directoryOf(cmd)
	if dsn != "" {
		return dsn, directory, nil
	}
	path, err := filepath.Abs(filepath.Join(directory, "orgo.db"))
	if err != nil {
		return "", "", err
	}
	if _, err := os.Stat(path); err != nil {
		return "", "", cli.Usage("no record store is known: there is no %s; name one with --store or ORGO_STORE, or a local stack with --data", path)
	}
	return store.SQLiteDSN(path), directory, nil
}

// directoryOf returns the data directory of the local stack.
func directoryOf(cmd *cobra.Command) string {
	if directory, _ := cmd.Flags().GetString("data"); directory != "" {
		return directory
	}
	if directory := os.Getenv("ORGO_DATA"); directory != "" {
		return directory
	}
	return client.DefaultDirectory
}

// publicKeyOf returns the file with the log's public key, by default the local
// stack's.
func publicKeyOf(cmd *cobra.Command, path string) string {
	if path != "" {
		return path
	}
	return filepath.Join(directoryOf(cmd), "ledger.key.pub")
}

func auditVerify() *cobra.Command {
	var request stack.Audit
	var bundle string
	cmd := &cobra.Command{
		Use: "verify", Short: "Check the whole log, every entry, every checkpoint and the read models; or a bundle",
		Long: `Checks that every leaf of the log is the hash of its entry as that is stored now,
that all hashes are those of one tree, that every checkpoint is signed with the
given key and is of that tree, that no entry is outside the log, and that the
read models are what the entries say. It names the first thing that is wrong.

That a whole database was set back to an earlier, consistent state can only be
seen with a checkpoint that was kept elsewhere: see --checkpoint.`,
		Example: "  orgo audit verify\n" +
			"  orgo audit verify --store postgres://auditor@db/orgo --key ledger.key.pub --checkpoint kept.txt -o json\n" +
			"  orgo audit verify --bundle ./evidence-of-ID --key ledger.key.pub",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if bundle != "" {
				return verifyBundle(cmd, bundle, publicKeyOf(cmd, request.Key))
			}
			dsn, _, err := storeOf(cmd)
			if err != nil {
				return err
			}
			request.Store = dsn
			request.Key = publicKeyOf(cmd, request.Key)
			began, told := time.Now(), time.Now()
			request.Progress = func(leaves, size int64) {
				if time.Since(told) > 2*time.Second {
					told = time.Now()
					fmt.Fprintf(cmd.ErrOrStderr(), "%d of %d leaves\n", leaves, size)
				}
			}
			report, err := request.Verify(cmd.Context())
			if err != nil {
				return err
			}
			took := time.Since(began)
			if err := show(cmd, report, func(w io.Writer) error { return writeAudit(w, report, took) }); err != nil {
				return err
			}
			if !report.Clean() {
				return cli.Refused(gates.LedgerTampered, "%s", report.First())
			}
			return nil
		},
	}
	addStoreFlags(cmd)
	cmd.Flags().StringVar(&bundle, "bundle", "", "check the bundle in this directory instead, offline")
	cmd.Flags().StringVar(&request.Key, "key", "", "the file with the log's public key (default: that of the local stack)")
	cmd.Flags().StringArrayVar(&request.Checkpoints, "checkpoint", nil, "a file with a checkpoint that was kept elsewhere, which the log must extend; repeatable")
	return cmd
}

// show prints a document as --output says.
func show(cmd *cobra.Command, document any, table func(w io.Writer) error) error {
	format, err := cmd.Flags().GetString("output")
	if err != nil {
		return err
	}
	return cli.Print(cmd.OutOrStdout(), format, document, table)
}

func writeAudit(out io.Writer, report stack.AuditReport, took time.Duration) error {
	verdict := "nothing is wrong"
	if !report.Clean() {
		verdict = fmt.Sprintf("%d findings, %d differences", len(report.Findings), len(report.Differences))
	}
	if _, err := fmt.Fprintf(out, "%s\nleaves %d, root %s, checkpoints %d, waiting %d (%.1f s)\n",
		verdict, report.Size, report.Root, report.Checkpoints, report.Waiting, took.Seconds()); err != nil {
		return err
	}
	for _, erased := range report.Erased {
		if _, err := fmt.Fprintf(out, "  leaf %d, entry %s: erased at %s\n", erased.Leaf, erased.EntryID, erased.At); err != nil {
			return err
		}
	}
	for _, finding := range report.Findings {
		if _, err := fmt.Fprintln(out, " ", finding); err != nil {
			return err
		}
	}
	for _, difference := range report.Differences {
		if _, err := fmt.Fprintln(out, " ", difference); err != nil {
			return err
		}
	}
	return nil
}

func auditRebuild() *cobra.Command {
	cmd := &cobra.Command{
		Use: "rebuild", Short: "Compute the read models again from the append-only tables",
		Long: `Computes everything that is derived from the entries again, from the entries alone,
puts right what is stored otherwise, and prints what that was. Nobody appends
meanwhile: what wants to waits. "orgo audit verify" only compares.`,
		Example: "  orgo audit rebuild\n  orgo audit rebuild --store postgres://orgo@db/orgo -o json",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			dsn, _, err := storeOf(cmd)
			if err != nil {
				return err
			}
			differences, err := stack.Rebuild(cmd.Context(), dsn)
			if err != nil {
				return err
			}
			return show(cmd, map[string][]string{"differences": differences}, func(w io.Writer) error {
				return writeDifferences(w, differences)
			})
		},
	}
	addStoreFlags(cmd)
	return cmd
}

func writeDifferences(w io.Writer, differences []string) error {
	if len(differences) == 0 {
		_, err := fmt.Fprintln(w, "the read models are what the entries say")
		return err
	}
	for _, difference := range differences {
		if _, err := fmt.Fprintln(w, difference); err != nil {
			return err
		}
	}
	_, err := fmt.Fprintf(w, "%d differences, put right; \"orgo audit verify\" says whether the entries themselves are whole\n", len(differences))
	return err
}

func auditCheckpoint() *cobra.Command {
	cmd := &cobra.Command{
		Use: "checkpoint", Short: "Print the newest signed checkpoint of the log",
		Example: "  orgo audit checkpoint > kept.txt",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			dsn, _, err := storeOf(cmd)
			if err != nil {
				return err
			}
			text, err := stack.NewestCheckpoint(cmd.Context(), dsn)
			if err != nil {
				return err
			}
			_, err = cmd.OutOrStdout().Write(text)
			return err
		},
	}
	addStoreFlags(cmd)
	return cmd
}

func auditKeygen() *cobra.Command {
	var origin, purpose string
	cmd := &cobra.Command{
		Use: "keygen FILE", Short: "Make the key that signs the log's checkpoints, or attestations",
		Long: `Writes the private key to FILE and the public one to FILE.pub, for auditors.

With --purpose ledger it signs checkpoints ("orgo server --ledger-key FILE"). The
origin names the log in every checkpoint; use a name that nobody else has, such as
a host's and a path. With --purpose attestation it signs what is said of builds
("orgo worker --signing-key FILE"). A key that a KMS keeps is made there.`,
		Example: "  orgo audit keygen /etc/orgo/ledger.key --origin orgo.example.org/ledger\n" +
			"  orgo audit keygen /etc/orgo/signing.key --purpose attestation",
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := createKey(records.KeyPurpose(purpose), args[0], origin); err != nil {
				return err
			}
			_, err := fmt.Fprintf(cmd.OutOrStdout(), "private key %s\npublic key  %s.pub\n", args[0], args[0])
			return err
		},
	}
	cmd.Flags().StringVar(&origin, "origin", "", "the log's name in its checkpoints")
	cmd.Flags().StringVar(&purpose, "purpose", string(records.KeyLedger), "what it signs: ledger or attestation")
	return cmd
}

func createKey(purpose records.KeyPurpose, path, origin string) error {
	switch {
	case purpose == records.KeyAttestation && origin == "":
		return stack.CreateSigningKey(path)
	case purpose == records.KeyAttestation:
		return cli.Usage("audit keygen: --origin is for ledger keys")
	case purpose != records.KeyLedger:
		return cli.Usage("audit keygen: --purpose is %s or %s, not %q", records.KeyLedger, records.KeyAttestation, purpose)
	case origin == "":
		return cli.Usage("audit keygen needs --origin, the log's name")
	default:
		return stack.CreateLedgerKey(path, origin)
	}
}
