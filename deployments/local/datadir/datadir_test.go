package datadir_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/initkoa/orgo/api"
	"github.com/initkoa/orgo/client"
	"github.com/initkoa/orgo/deployments/local/datadir"
)

const (
	organization = "00000000-0000-4000-8000-000000000001"
	url          = "http://127.0.0.1:7700"
)

func open(t *testing.T, path string) *datadir.Dir {
	dir, err := datadir.Open(path)
	require.NoError(t, err)
	t.Cleanup(func() { dir.Close() })
	return dir
}

// token starts and ends one use of the directory.
func token(t *testing.T, path string) string {
	dir, err := datadir.Open(path)
	require.NoError(t, err)
	defer dir.Close()
	text, err := dir.Token("operator", organization, []string{"operators"})
	require.NoError(t, err)
	require.NoError(t, dir.Publish(url, text))
	return text
}

func TestASecondUserIsRefusedUntilTheFirstHasEnded(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "data")
	first := open(t, path)
	_, err := datadir.Open(path)
	var locked *datadir.LockedError
	require.ErrorAs(t, err, &locked)
	require.Equal(t, os.Getpid(), locked.PID)
	require.ErrorContains(t, err, "-data")

	require.NoError(t, first.Close())
	open(t, path)
}

func TestTheTokenIsKeptAcrossStartsAndAccepted(t *testing.T) {
	t.Parallel()
	path := t.TempDir()
	first := token(t, path)
	require.Equal(t, first, token(t, path))

	options, err := client.FromDirectory(path)
	require.NoError(t, err)
	require.Equal(t, client.Options{URL: url, Token: first}, options)
	tokens, err := api.ReadTokensFile(filepath.Join(path, "tokens.json"))
	require.NoError(t, err)
	identity, err := tokens.Authenticate(t.Context(), first)
	require.NoError(t, err)
	require.Equal(t, api.Identity{Actor: "operator", Organization: organization, Roles: []string{"operators"}}, identity)
}

func TestAForgottenOrForeignTokenIsReplaced(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*testing.T, string){
		"client.json is gone": func(t *testing.T, path string) {
			require.NoError(t, os.Remove(filepath.Join(path, "client.json")))
		},
		"client.json is damaged": func(t *testing.T, path string) {
			require.NoError(t, os.WriteFile(filepath.Join(path, "client.json"), []byte("{"), 0o600))
		},
		"client.json is of another stack": func(t *testing.T, path string) {
			require.NoError(t, client.SaveDirectory(path, client.Options{URL: url, Token: "guess"}))
		},
		"client.json has no token": func(t *testing.T, path string) {
			require.NoError(t, client.SaveDirectory(path, client.Options{URL: url}))
		},
		"tokens.json is gone": func(t *testing.T, path string) {
			require.NoError(t, os.Remove(filepath.Join(path, "tokens.json")))
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := t.TempDir()
			first := token(t, path)
			change(t, path)
			require.NotEqual(t, first, token(t, path))
		})
	}
}

func TestTokensAddedByHandAreKept(t *testing.T) {
	t.Parallel()
	path := t.TempDir()
	file := filepath.Join(path, "tokens.json")
	require.NoError(t, os.WriteFile(file, []byte(`[{"token_sha256":"`+api.HashToken("by hand")+`","actor":"ci","organization":"`+organization+`"}]`), 0o600))
	token(t, path)
	tokens, err := api.ReadTokensFile(file)
	require.NoError(t, err)
	identity, err := tokens.Authenticate(t.Context(), "by hand")
	require.NoError(t, err)
	require.Equal(t, "ci", identity.Actor)
}

func TestADamagedTokensFileIsAnErrorAndStaysAsItIs(t *testing.T) {
	t.Parallel()
	path := t.TempDir()
	file := filepath.Join(path, "tokens.json")
	require.NoError(t, os.WriteFile(file, []byte(`[{"token_`), 0o600))
	_, err := open(t, path).Token("operator", organization, nil)
	require.ErrorContains(t, err, file)
	require.FileExists(t, file)
}

func TestOthersCannotReadTheDirectory(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "data")
	token(t, path)
	for name, mode := range map[string]os.FileMode{"": 0o700, "client.json": 0o600, "tokens.json": 0o600, "lock": 0o600} {
		info, err := os.Stat(filepath.Join(path, name))
		require.NoError(t, err)
		require.Equal(t, mode, info.Mode().Perm(), name)
	}
}
