//go:build linux

package command

import (
	"os"
	"strconv"
	"time"
)

// environment returns the whole environment of a program: a fixed part, which
// makes a program behave the same on every worker, then the variables that the
// pipeline names and the worker has. A named variable overrides a fixed one.
func environment(names []string, dir scratch, sourceDate time.Time) []string {
	env := []string{
		"PATH=/usr/local/bin:/usr/bin:/bin",
		"LANG=C.UTF-8",
		"TZ=UTC",
		"HOME=" + dir.path,
		"TMPDIR=" + dir.join(tempDir),
		// https://reproducible-builds.org/specs/source-date-epoch/
		"SOURCE_DATE_EPOCH=" + strconv.FormatInt(sourceDate.Unix(), 10),
	}
	for _, name := range names {
		if value, set := os.LookupEnv(name); set {
			env = append(env, name+"="+value)
		}
	}
	return env
}
