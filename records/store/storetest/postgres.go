package storetest

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	_ "github.com/lib/pq" // the driver "postgres"
	"github.com/stretchr/testify/require"
)

// Postgres returns the DSN of a new, empty database that is dropped when the
// test ends. All databases of a test process lie in one throwaway cluster, on a
// unix socket in a temporary directory, which is started when it is first asked
// for, and which stops and is removed when the process ends, however it ends.
//
// Without a Postgres installation the test is skipped, or fails if the
// environment variable CI is set.
func Postgres(t testing.TB) string {
	t.Helper()
	server, err := sharedCluster()
	if errors.Is(err, errNoPostgres) && os.Getenv("CI") == "" {
		t.Skipf("SKIPPED, NOT TESTED ON POSTGRES: %v", err)
	}
	require.NoError(t, err)
	name := "test_" + strings.ToLower(rand.Text())
	server.execute(t, "CREATE DATABASE "+name)
	t.Cleanup(func() { server.execute(t, "DROP DATABASE "+name+" WITH (FORCE)") })
	return server.dsn(name)
}

var errNoPostgres = errors.New("no initdb and postgres on PATH or in /usr/lib/postgresql/*/bin: install the postgresql package")

// sharedCluster starts the cluster of this process once. Its commits may be lost in
// a crash, which it never has.
var sharedCluster = sync.OnceValues(func() (*cluster, error) { return startCluster("off") })

// RestartingPostgres returns the DSN of an empty database in a cluster of its own,
// and what makes its server crash; it comes back by itself, with everything that
// was committed. Without a Postgres installation it does as Postgres does.
func RestartingPostgres(t testing.TB) (dsn string, crash func()) {
	t.Helper()
	server, err := startCluster("on")
	if errors.Is(err, errNoPostgres) && os.Getenv("CI") == "" {
		t.Skipf("SKIPPED, NOT TESTED ON POSTGRES: %v", err)
	}
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, server.alive.Close()) })
	server.execute(t, "CREATE DATABASE test")
	return server.dsn("test"), func() {
		// It may be starting, and have none.
		if pid, err := server.pid(); err == nil {
			_ = syscall.Kill(pid, syscall.SIGQUIT)
		}
	}
}

// pid returns the process id of the server.
func (c *cluster) pid() (int, error) {
	text, err := os.ReadFile(c.directory + "/data/postmaster.pid")
	if err != nil {
		return 0, err
	}
	first, _, _ := strings.Cut(string(text), "\n")
	return strconv.Atoi(first)
}

// cluster is a running Postgres server.
type cluster struct {
	directory string
	// alive is never written: the supervisor stops the server when the other end
	// closes, which the kernel does for a process that was killed, too.
	alive io.WriteCloser
}

// supervisor runs the server, again if it crashes, and when its stdin ends stops it
// at once and removes the directory.
const supervisor = `while [ ! -e "$2/stop" ]; do
	"$1" -D "$2/data" -k "$2" -c listen_addresses= -c max_connections=200 \
		-c fsync=off -c synchronous_commit="$3" -c full_page_writes=off >>"$2/log" 2>&1
done &
cat >/dev/null
touch "$2/stop"
kill -QUIT "$(head -1 "$2/data/postmaster.pid")" 2>/dev/null
wait $!
cd / && rm -rf "$2"`

// startTimeout bounds the start of a server on a busy machine.
const startTimeout = time.Minute

func startCluster(synchronous string) (_ *cluster, err error) {
	programs, err := findPrograms("initdb", "postgres")
	if err != nil {
		return nil, err
	}
	directory, err := os.MkdirTemp("", "orgo-postgres-")
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.RemoveAll(directory))
		}
	}()
	attributes, err := unprivileged(directory)
	if err != nil {
		return nil, err
	}
	initdb := exec.Command(programs["initdb"], "--pgdata", directory+"/data", "--username", "postgres",
		"--auth", "trust", "--encoding", "UTF8", "--no-locale", "--no-sync")
	initdb.SysProcAttr = attributes
	initdb.Dir = directory
	if output, err := initdb.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("initdb: %w\n%s", err, output)
	}
	server := exec.Command("/bin/sh", "-c", supervisor, "sh", programs["postgres"], directory, synchronous)
	server.SysProcAttr = attributes
	server.Dir = directory
	alive, err := server.StdinPipe()
	if err != nil {
		return nil, err
	}
	if err := server.Start(); err != nil {
		return nil, err
	}
	c := &cluster{directory: directory, alive: alive}
	if err := c.ready(); err != nil {
		return nil, errors.Join(err, alive.Close(), server.Wait())
	}
	return c, nil
}

// ready waits until the server answers.
func (c *cluster) ready() error {
	ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
	defer cancel()
	db, err := sql.Open("postgres", c.dsn("postgres"))
	if err != nil {
		return err
	}
	defer db.Close()
	again := time.NewTicker(20 * time.Millisecond)
	defer again.Stop()
	for {
		err := db.PingContext(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-again.C:
		case <-ctx.Done():
			log, _ := os.ReadFile(c.directory + "/log")
			return fmt.Errorf("start Postgres: %w\n%s", err, log)
		}
	}
}

func (c *cluster) dsn(database string) string {
	parameters := url.Values{"host": {c.directory}, "user": {"postgres"}, "sslmode": {"disable"}}
	return (&url.URL{Scheme: "postgres", Path: "/" + database, RawQuery: parameters.Encode()}).String()
}

func (c *cluster) execute(t testing.TB, statement string) {
	t.Helper()
	db, err := sql.Open("postgres", c.dsn("postgres"))
	require.NoError(t, err)
	defer db.Close()
	_, err = db.Exec(statement)
	require.NoError(t, err)
}

// unprivileged gives directory to a user that Postgres agrees to run as, and
// returns how to start a process as that user, in a session of its own so that
// Ctrl-C reaches it through its supervisor alone.
func unprivileged(directory string) (*syscall.SysProcAttr, error) {
	if os.Getuid() != 0 {
		return &syscall.SysProcAttr{Setsid: true}, nil
	}
	account, err := user.Lookup("postgres")
	if err != nil {
		return nil, fmt.Errorf("postgres refuses to run as root: %w", err)
	}
	uid, err := strconv.ParseUint(account.Uid, 10, 32)
	if err != nil {
		return nil, err
	}
	gid, err := strconv.ParseUint(account.Gid, 10, 32)
	if err != nil {
		return nil, err
	}
	if err := os.Chown(directory, int(uid), int(gid)); err != nil {
		return nil, err
	}
	return &syscall.SysProcAttr{
		Setsid:     true,
		Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)},
	}, nil
}

// findPrograms finds programs that lie in one directory: that of the first on
// PATH, or the newest version under /usr/lib/postgresql.
func findPrograms(names ...string) (map[string]string, error) {
	installed, err := filepath.Glob("/usr/lib/postgresql/*/bin")
	if err != nil {
		return nil, err
	}
	slices.SortFunc(installed, func(a, b string) int { return version(b) - version(a) })
	if onPath, err := exec.LookPath(names[0]); err == nil {
		installed = append([]string{filepath.Dir(onPath)}, installed...)
	}
	for _, directory := range installed {
		found := map[string]string{}
		for _, name := range names {
			if path, err := exec.LookPath(filepath.Join(directory, name)); err == nil {
				found[name] = path
			}
		}
		if len(found) == len(names) {
			return found, nil
		}
	}
	return nil, errNoPostgres
}

// version returns 15 for /usr/lib/postgresql/15/bin, and 0 for what has none.
func version(directory string) int {
	number, err := strconv.Atoi(filepath.Base(filepath.Dir(directory)))
	if err != nil {
		return 0
	}
	return number
}
