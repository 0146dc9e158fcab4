// Package stack assembles one Orgo process from its parts: the record store, the
// artifact store, the worker and the API. It holds no rule of its own.
package stack

import (
	"log/slog"
	"time"

	"go.temporal.io/sdk/client"

	"github.com/initkoa/orgo/activities"
	"github.com/initkoa/orgo/activities/artifacts"
)

// Settings say what a process is made of. They are read once, by a main.
type Settings struct {
	Store     string // "sqlite:///path.db" or "postgres://…"
	Artifacts string // "file:///directory"
	// Tokens is the path of the file that says who may call the API.
	Tokens string
	// Organization is whose interrupted builds are resumed at the start.
	Organization string
	// PublicURL is where runners reach this API with a late answer.
	PublicURL string
	// CallbackKey signs what such runners are given; any 32 bytes that stay the
	// same across restarts.
	CallbackKey []byte
	// InputRoots are the directories below which builds may read inputs. Nil means
	// all that the worker can read; an empty list, none.
	InputRoots []string
	// LedgerKey is the file of the key that signs the log's checkpoints. A process
	// that does not sequence needs none.
	LedgerKey string
	// LedgerCheckEvery is how often the whole log is checked, with the public half that
	// lies beside LedgerKey; 0 is never.
	LedgerCheckEvery time.Duration
	// SigningKey is the key that attests builds: a file, or SCHEME://KEY in a KMS. A
	// process that runs no worker needs none.
	SigningKey string
	// PolicyKeys is the file of the public keys whose signatures count, on policy
	// bundles and on outputs; empty trusts nobody, and requires no signature.
	PolicyKeys string
	// Targets is the directory below which the channels' targets are; a worker without
	// one releases nothing.
	Targets string
	// RelayInterval is how often a release is told of telemetry at most; 0 means 10 s.
	RelayInterval time.Duration
	// Environment is the name of the environment, for records.
	Environment string
	// Runners may replace the runners that the worker has; nil keeps them.
	Runners func(activities.Runners, *artifacts.Store) activities.Runners
	// Scratch is where programs get their directories; empty means the system's.
	Scratch string
	// Pollers is how many pollers of each kind the worker has; 0 means 8.
	Pollers int

	Temporal  client.Client
	Namespace string
	// Observer sees what is recorded; its metrics are served by the API.
	Observer *Observer
	Log      *slog.Logger
}
