package store

import (
	"net/url"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestOpenRefuses(t *testing.T) {
	t.Parallel()
	directory := t.TempDir()
	for name, test := range map[string]struct{ dsn, want string }{
		"an unknown scheme":         {"mysql://u:secret@h/db", `unknown scheme "mysql"`},
		"no scheme":                 {"orgo.db", `unknown scheme ""`},
		"keywords":                  {"host=h password=secret", "unknown scheme"},
		"what is no URL":            {"postgres://h:secret@[", "is not a URL"},
		"a relative SQLite path":    {"sqlite://orgo.db", "write sqlite:///absolute/path.db"},
		"SQLite without path":       {"sqlite:", "write sqlite:///absolute/path.db"},
		"parameters of SQLite":      {"sqlite://" + directory + "/a.db?_pragma=synchronous(OFF)", "none are supported"},
		"an unreachable Postgres":   {"postgres://u:secret@127.0.0.1:1/db?password=secret", "database unavailable"},
		"a directory without file":  {"sqlite://" + directory + "/absent/a.db", "database unavailable"},
		"a file that is no SQLite":  {"sqlite://" + notADatabase(t), "database unavailable"},
		"a directory as the SQLite": {"sqlite://" + directory, "database unavailable"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := Open(t.Context(), test.dsn)
			require.ErrorContains(t, err, test.want)
			require.NotContains(t, err.Error(), "secret")
		})
	}
}

func notADatabase(t *testing.T) string {
	path := filepath.Join(t.TempDir(), "text")
	require.NoError(t, os.WriteFile(path, []byte("this is a text and by far no database, however long it goes on and on"), 0o600))
	return path
}

func TestSQLiteFileIsPrivateWhateverItsName(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "a b%20?#&.db")
	s, err := Open(t.Context(), SQLiteDSN(path))
	require.NoError(t, err)
	require.NoError(t, s.Migrate(t.Context()))
	require.NoError(t, s.Close())
	files, err := os.ReadDir(filepath.Dir(path))
	require.NoError(t, err)
	require.Len(t, files, 1, "a clean close leaves the one file")
	info, err := files[0].Info()
	require.NoError(t, err)
	require.Equal(t, filepath.Base(path), info.Name())
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm())
}

func TestSQLiteSettings(t *testing.T) {
	t.Parallel()
	s, err := Open(t.Context(), "sqlite://"+filepath.Join(t.TempDir(), "orgo.db"))
	require.NoError(t, err)
	defer func() { require.NoError(t, s.Close()) }()
	for pragma, want := range map[string]string{
		"journal_mode": "wal", "synchronous": "2", "foreign_keys": "1", "busy_timeout": "10000", "recursive_triggers": "1",
	} {
		var have string
		require.NoError(t, s.writer.Get(&have, "PRAGMA "+pragma))
		require.Equal(t, want, have, pragma)
	}
	_, err = s.reader.Exec("CREATE TABLE t (c TEXT)")
	require.ErrorContains(t, err, "readonly")
}

func TestPostgresDefaults(t *testing.T) {
	t.Parallel()
	for dsn, want := range map[string]string{
		"postgres://h/db":                                  "host=h sslmode=verify-full connect_timeout=10",
		"postgres://h/db?sslmode=require":                  "host=h sslmode=require connect_timeout=10",
		"postgres://h/db?connect_timeout=3":                "host=h sslmode=verify-full connect_timeout=3",
		"postgres:///db":                                   "host=localhost sslmode=disable connect_timeout=10",
		"postgres://localhost/db":                          "host=localhost sslmode=disable connect_timeout=10",
		"postgres://127.0.0.1:5433/db":                     "host=127.0.0.1 sslmode=disable connect_timeout=10",
		"postgres://[::1]/db":                              "host=::1 sslmode=disable connect_timeout=10",
		"postgres:///db?host=/run/postgresql":              "host=/run/postgresql sslmode=disable connect_timeout=10",
		"postgres://localhost/db?host=db.example":          "host=db.example sslmode=verify-full connect_timeout=10",
		"postgres://localhost.example/db":                  "host=localhost.example sslmode=verify-full connect_timeout=10",
		"postgres://localhost,other/db":                    "host=localhost,other sslmode=verify-full connect_timeout=10",
		"postgres://10.0.0.1/db?sslmode=disable&options=x": "host=10.0.0.1 sslmode=disable connect_timeout=10",
	} {
		parsed, err := url.Parse(dsn)
		require.NoError(t, err)
		q := withPostgresDefaults(*parsed).Query()
		require.Equal(t, want, "host="+q.Get("host")+" sslmode="+q.Get("sslmode")+" connect_timeout="+q.Get("connect_timeout"), dsn)
		require.Equal(t, parsed.Query().Get("options"), q.Get("options"))
	}
}
