//go:build linux

package e2e_test

import (
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/initkoa/orgo/client"
	"github.com/initkoa/orgo/records"
)

// TestAPersonIsErased erases who asked for a build, beside the running stack. The
// name is then in no file of the data directory, the log verifies, and the build
// can still be reproduced.
func TestAPersonIsErased(t *testing.T) {
	t.Parallel()
	s := newStack(t)
	const reason = "because Ada Lovelace asked for it"
	request := demoRequest(t, s, demoCorpus)
	request.Trigger = client.BuildTrigger{Reason: reason}
	id := s.begin(t, request, "personal")
	view := s.end(t, id, records.BuildPassed)
	person := view.Trigger.Actor
	logged := func() string {
		r := s.cli(t, "audit", "verify")
		require.Zero(t, r.code, "%s%s", r.out, r.err)
		return r.out
	}
	eventually(t, "the log has the build", func() bool { return strings.Contains(logged(), "waiting 0") })

	for _, args := range [][]string{{}, {"--person", person}, {"--person", person, "--reason", "request 7"}} {
		require.Equal(t, 2, s.cli(t, append([]string{"audit", "erase"}, args...)...).code, args)
	}
	erase := []string{"audit", "erase", "--person", person, "--reason", "request 7", "--as", "privacy-office"}
	r := s.cli(t, append(erase, "--dry-run")...)
	require.Zero(t, r.code, r.err)
	require.Equal(t, person, s.view(t, id).Trigger.Actor, "a dry run erases nothing")
	r = s.cli(t, append(erase, "--yes")...)
	require.Zero(t, r.code, r.err)
	require.Contains(t, r.out, "body.trigger.reason")

	erased := s.view(t, id)
	require.Equal(t, records.Erased, erased.Trigger.Actor)
	require.Equal(t, records.Erased, erased.Trigger.Reason)
	require.Contains(t, logged(), "erased at")
	document, err := s.orgo.Record(t.Context(), id, client.FormatOrgo)
	require.NoError(t, err)
	require.NotContains(t, string(document), "Lovelace")
	artifacts := filepath.Join(s.dir, "artifacts")
	require.NoError(t, filepath.WalkDir(artifacts, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		content, err := os.ReadFile(path)
		require.NotContains(t, string(content), reason, path)
		return err
	}))

	bundle := filepath.Join(t.TempDir(), "evidence")
	eventually(t, "the log has the erasures", func() bool { return s.cli(t, "audit", "export", id, "--out", bundle).code == 0 })
	r = s.cli(t, "audit", "verify", "--bundle", bundle, "--key", filepath.Join(s.dir, "ledger.key.pub"))
	require.Zero(t, r.code, r.err)
	require.Contains(t, r.out, "ended PASSED")
	require.Regexp(t, `orgo.build.requested: erased at \S+ by privacy-office, request 7: actor, .*document sha256:.*body.trigger.reason`, r.out)
	r = s.cli(t, "build", "reproduce", id, "--wait", "-o", "json")
	require.Zero(t, r.code, r.err)
	require.True(t, json.Valid([]byte(r.out)))
}
