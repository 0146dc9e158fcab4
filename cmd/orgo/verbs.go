package main

import (
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"github.com/spf13/viper"

	"github.com/initkoa/orgo/cmd/orgo/cli"
	"github.com/initkoa/orgo/cmd/stack"
)

// verbs are the commands that run a part of Orgo, rather than talk to one.
func verbs() []*cobra.Command {
	return []*cobra.Command{
		verb("server", "Serve the API and resume builds that were not started",
			"  orgo server --store postgres://orgo@db/orgo --artifacts file:///var/lib/orgo/artifacts \\\n"+
				"      --temporal temporal:7233 --tokens /etc/orgo/tokens.json \\\n"+
				"      --ledger-key /etc/orgo/ledger.key --listen 127.0.0.1:7700", stack.RunServer),
		verb("worker", "Run workflows and activities",
			"  orgo worker --store postgres://orgo@db/orgo --artifacts file:///var/lib/orgo/artifacts \\\n"+
				"      --temporal temporal:7233 \\\n"+
				"      --signing-key /etc/orgo/signing.key --input-root /srv/documents\n"+
				"  orgo worker … --signing-key hsm://orgo-attest   # a key in a KMS, through the program sigstore-kms-hsm", stack.RunWorker),
		verb("migrate", "Bring the database and the Temporal namespace up to this version",
			"  orgo migrate --store postgres://orgo@db/orgo --temporal temporal:7233", stack.RunMigrate),
		audit(),
	}
}

func verb(use, short, example string, run stack.Role) *cobra.Command {
	cmd := &cobra.Command{
		Use: use, Short: short, Example: example, Args: cobra.NoArgs,
		// In place of the root's, which reads the settings of the command line.
		PersistentPreRunE: func(*cobra.Command, []string) error { return nil },
		RunE: func(cmd *cobra.Command, _ []string) error {
			deployment, err := readDeployment(cmd.Flags())
			if err != nil {
				return err
			}
			return run(cmd.Context(), deployment)
		},
	}
	flags := cmd.Flags()
	flags.String("store", "", "the record store: sqlite:///PATH or postgres://… (ORGO_STORE)")
	flags.String("artifacts", "", "the artifact store: file:///DIR (ORGO_ARTIFACTS)")
	flags.String("temporal", "127.0.0.1:7233", "the Temporal server (ORGO_TEMPORAL)")
	flags.String("namespace", "default", "the Temporal namespace (ORGO_NAMESPACE)")
	flags.String("listen", "127.0.0.1:7700", "where the API listens (ORGO_LISTEN)")
	flags.String("tokens", "", "the file that says who may call the API (ORGO_TOKENS)")
	flags.String("public-url", "", "where runners reach the API with late answers (ORGO_PUBLIC_URL)")
	flags.String("callback-key", "", "the file with the key of late answers, the same for server and worker (ORGO_CALLBACK_KEY)")
	flags.String("ledger-key", "", "the file with the key that signs the log's checkpoints; for the server (ORGO_LEDGER_KEY)")
	flags.Duration("ledger-check-every", time.Hour, "how often the server checks the whole log, with the public key that lies beside the ledger key; 0 is never (ORGO_LEDGER_CHECK_EVERY)")
	flags.String("signing-key", "", "the key that attests builds: a file, or SCHEME://KEY in a KMS that the program sigstore-kms-SCHEME reaches; for the worker (ORGO_SIGNING_KEY)")
	flags.String("policy-keys", "", "the file with the public keys whose signatures on policies and outputs count, the same for server and worker (ORGO_POLICY_KEYS)")
	flags.StringSlice("input-root", nil, "a directory below which builds may read inputs; for the worker; repeatable; without one no build reads files (ORGO_INPUT_ROOT)")
	flags.String("targets", "", "the directory below which packs are distributed and made active; for the worker (ORGO_TARGETS)")
	flags.String("environment", "production", "the environment's name, for records (ORGO_ENVIRONMENT)")
	flags.Int("pollers", 0, "how many pollers of each kind the worker has (ORGO_POLLERS)")
	return cmd
}

// readDeployment reads flags, then ORGO_*, once.
func readDeployment(flags *pflag.FlagSet) (stack.Deployment, error) {
	v := viper.New()
	v.SetEnvPrefix("orgo")
	v.SetEnvKeyReplacer(stack.EnvironmentNames())
	v.AutomaticEnv()
	var read stack.Deployment
	if err := v.BindPFlags(flags); err != nil {
		return read, cli.Usage("settings: %v", err)
	}
	if err := v.Unmarshal(&read); err != nil {
		return read, cli.Usage("settings: %v", err)
	}
	return read, nil
}
