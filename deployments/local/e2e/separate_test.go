//go:build linux

package e2e_test

import (
	"context"
	"encoding/json"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/initkoa/orgo/api"
	"github.com/initkoa/orgo/client"
	"github.com/initkoa/orgo/deployments/local/temporal"
	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/records/store/storetest"
)

// deployment is Orgo as it runs in production: processes of their own for the
// server and the worker, a Temporal server and a Postgres that are not Orgo's.
type deployment struct {
	dir  string
	dsn  string
	args []string // that every process is given
}

func newDeployment(t *testing.T) deployment {
	t.Helper()
	d := deployment{dir: t.TempDir(), dsn: storetest.Postgres(t)}
	server, err := temporal.Start(t.Context(), temporal.Options{
		DBPath: filepath.Join(d.dir, "temporal.db"), FrontendAddr: "127.0.0.1:0",
	})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, server.Stop(context.WithoutCancel(t.Context()))) })
	tokens, err := json.Marshal([]api.TokenEntry{
		{TokenSHA256: api.HashToken("secret"), Actor: "ci", Organization: records.DefaultOrganization},
	})
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(d.dir, "tokens.json"), tokens, 0o600))
	d.args = []string{
		"--store", d.dsn, "--artifacts", "file://" + filepath.Join(d.dir, "artifacts"), "--temporal", server.FrontendAddr(),
		"--tokens", filepath.Join(d.dir, "tokens.json"), "--ledger-key", filepath.Join(d.dir, "ledger.key"),
	}
	return d
}

func (d deployment) signingKey() string { return filepath.Join(d.dir, "signing.key") }

// run starts one of the processes.
func (d deployment) run(t *testing.T, role string, args ...string) *process {
	t.Helper()
	return spawn(t, programs.orgo, append(append([]string{role}, d.args...), args...)...)
}

// must runs a command to its end, which has to be a success.
func (d deployment) must(t *testing.T, args ...string) string {
	t.Helper()
	p := spawn(t, programs.orgo, args...)
	require.Zero(t, p.wait(t), "%v\n%s\n%s", args, &p.out, &p.err)
	return p.out.String()
}

// serve starts a server and returns it with a data directory that leads to it.
func (d deployment) serve(t *testing.T, address string) (server *process, data string) {
	t.Helper()
	server = d.run(t, "server", "--listen", address)
	eventually(t, "the server answers", func() bool {
		answer, err := http.Get("http://" + address + "/readyz")
		if err != nil {
			require.True(t, server.running(), "the server ended:\n%s", &server.err)
			return false
		}
		defer answer.Body.Close()
		return answer.StatusCode == http.StatusOK
	})
	data = t.TempDir()
	require.NoError(t, client.SaveDirectory(data, client.Options{URL: "http://" + address, Token: "secret"}))
	return server, data
}

// TestSeparateProcesses sets up a deployment as an operator would, with two servers.
// The death of the one that sequences the log must not be noticed.
func TestSeparateProcesses(t *testing.T) {
	d := newDeployment(t)

	early := d.run(t, "server")
	require.Equal(t, 1, early.wait(t), "nothing is migrated yet")
	require.Contains(t, early.err.String(), "orgo migrate")

	d.must(t, "migrate", "--store", d.dsn, "--temporal", d.args[5])
	d.must(t, "migrate", "--store", d.dsn, "--temporal", d.args[5]) // which may be repeated

	keyless := d.run(t, "server")
	require.Equal(t, 1, keyless.wait(t))
	require.Contains(t, keyless.err.String(), "orgo audit keygen")
	d.must(t, "audit", "keygen", filepath.Join(d.dir, "ledger.key"), "--origin", "e2e.test/ledger")

	unsigned := d.run(t, "worker")
	require.Equal(t, 1, unsigned.wait(t))
	require.Contains(t, unsigned.err.String(), "orgo audit keygen")
	d.must(t, "audit", "keygen", d.signingKey(), "--purpose", "attestation")

	// A worker that was told no directory reads none.
	strict := d.run(t, "worker", "--signing-key", d.signingKey())
	addresses := freeAddresses(t)
	first, firstData := d.serve(t, addresses["-api"])
	_, secondData := d.serve(t, addresses["-ui"])
	start := func(data, key string) {
		p := spawn(t, programs.orgo, "build", "start", "--data", data, "--input", demoCorpus, "--idempotency-key", key, "--wait")
		require.Zero(t, p.wait(t), "%s\nthe server:\n%s", &p.err, &first.err)
	}
	refused := spawn(t, programs.orgo, "build", "start", "--data", firstData, "--input", demoCorpus, "--idempotency-key", "outside", "--wait")
	require.Equal(t, 1, refused.wait(t))
	require.Contains(t, refused.err.String(), "INPUT_OUTSIDE_ROOT")
	strict.kill()
	corpus, err := filepath.Abs(demoCorpus)
	require.NoError(t, err)
	worker := d.run(t, "worker", "--signing-key", d.signingKey(), "--input-root", corpus)
	start(firstData, "before")
	start(secondData, "besides")
	worker.kill()
	d.run(t, "worker", "--signing-key", d.keyInKMS(t), "--input-root", corpus)
	first.kill()
	start(secondData, "after")

	// The other server takes the log over, and has it whole.
	public := filepath.Join(d.dir, "ledger.key.pub")
	eventually(t, "the log has every entry", func() bool {
		return strings.Contains(d.must(t, "audit", "verify", "--store", d.dsn, "--key", public), "waiting 0")
	})
	events := d.must(t, "events", "tail", "--data", secondData, "--follow=false", "--type", "orgo.build.passed")
	require.Len(t, strings.Split(strings.TrimSpace(events), "\n"), 3)
	byFile, byKMS := d.attestedBy(t, "before"), d.attestedBy(t, "after")
	require.NotEqual(t, byFile, byKMS)
}

// keyInKMS makes a key, and returns the URL at which a KMS has it. The KMS is the
// plugin of the tests of cmd/stack, which processes find on PATH from now on.
func (d deployment) keyInKMS(t *testing.T) string {
	t.Helper()
	key := filepath.Join(d.dir, "kms.key")
	d.must(t, "audit", "keygen", key, "--purpose", "attestation")
	const plugin = "../../../cmd/stack/testdata/sigstore-kms-orgotest"
	programs := t.TempDir()
	out, err := exec.Command("go", "build", "-o", programs, plugin).CombinedOutput()
	require.NoError(t, err, "%s", out)
	t.Setenv("PATH", programs+string(os.PathListSeparator)+os.Getenv("PATH"))
	return "orgotest://ok" + key
}

// attestedBy exports a build, checks its bundle, and returns which key attested it.
func (d deployment) attestedBy(t *testing.T, key string) string {
	t.Helper()
	bundle := filepath.Join(d.dir, "evidence-"+key)
	d.must(t, "audit", "export", records.BuildID(records.DefaultOrganization, key), "--store", d.dsn,
		"--artifacts", "file://"+filepath.Join(d.dir, "artifacts"), "--out", bundle)
	out := d.must(t, "audit", "verify", "--bundle", bundle, "--key", filepath.Join(d.dir, "ledger.key.pub"))
	found := regexp.MustCompile(`attested by key ([0-9a-f]{64})`).FindStringSubmatch(out)
	require.NotNil(t, found, out)
	return found[1]
}
