//go:build linux

package command

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/initkoa/orgo/activities/runner"
	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/records"
)

// defaultOutputLimit bounds what a program may put out where the pipeline does
// not say, in bytes.
const defaultOutputLimit = 64 << 20

var environmentName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// Pin makes every choice that settings leave open: the digest of the program, the
// output limit, the order of the environment's names. The program must be named
// by its absolute path: what a search path finds may be another program tomorrow.
// A symbolic link stays one, as some programs look at the name they are called by;
// the digest is that of the file it leads to.
func (r *Runner) Pin(_ context.Context, settings records.CommandRunner) (records.CommandRunner, error) {
	if !filepath.IsAbs(settings.Program) {
		return settings, runner.Fail(gates.PinFloating, nil, "command %q is not an absolute path; name the program by one", settings.Program)
	}
	if settings.MaxOutput < 0 {
		return settings, runner.Fail(gates.PinInvalid, nil, "command %s: max_output_bytes is %d; want more than 0", settings.Program, settings.MaxOutput)
	}
	for _, name := range settings.Environment {
		if !environmentName.MatchString(name) {
			return settings, runner.Fail(gates.PinInvalid, nil, "command %s: %q is not the name of an environment variable; values are not pinned and go into args", settings.Program, name)
		}
	}
	pinned := settings
	pinned.Program = filepath.Clean(settings.Program)
	pinned.MaxOutput = outputLimit(settings)
	pinned.Environment = slices.Clone(settings.Environment)
	slices.Sort(pinned.Environment)
	pinned.Environment = slices.Compact(pinned.Environment)

	file, err := openProgram(pinned.Program)
	if err != nil {
		return settings, err
	}
	defer file.Close()
	found, err := copyHashed(io.Discard, file)
	if err != nil {
		return settings, runner.Fail(gates.RunnerUnavailable, err, "command %s cannot be read", pinned.Program)
	}
	if settings.Digest != nil && *settings.Digest != found {
		return settings, changed(pinned.Program, *settings.Digest, found)
	}
	pinned.Digest = &found
	return pinned, nil
}

func outputLimit(settings records.CommandRunner) int64 {
	if settings.MaxOutput == 0 {
		return defaultOutputLimit
	}
	return settings.MaxOutput
}

// openPinned returns the program in a file that nobody can change any more, not
// even its owner: the bytes that were hashed are the bytes that will be executed.
func openPinned(settings records.CommandRunner) (*os.File, error) {
	if settings.Digest == nil {
		return nil, runner.Fail(gates.PinFloating, nil, "command %s has no digest; it was never pinned", settings.Program)
	}
	source, err := openProgram(settings.Program)
	if err != nil {
		return nil, err
	}
	defer source.Close()
	sealed, err := newMemoryFile("orgo-program")
	if err != nil {
		return nil, runner.Fail(gates.RunnerUnavailable, err, "command %s: no memory file for it", settings.Program)
	}
	found, err := copyHashed(sealed, source)
	if err == nil {
		_, err = unix.FcntlInt(sealed.Fd(), unix.F_ADD_SEALS, unix.F_SEAL_WRITE|unix.F_SEAL_GROW|unix.F_SEAL_SHRINK|unix.F_SEAL_SEAL)
	}
	if err != nil {
		sealed.Close()
		return nil, runner.Fail(gates.RunnerUnavailable, err, "command %s cannot be read", settings.Program)
	}
	if found != *settings.Digest {
		sealed.Close()
		return nil, changed(settings.Program, *settings.Digest, found)
	}
	return sealed, nil
}

func changed(program string, pinned, found records.Digest) error {
	return runner.Fail(gates.RunnerChanged, nil, "command %s is %s, pinned is %s", program, found, pinned)
}

// openProgram opens a program's file, which must be a regular one and executable.
func openProgram(program string) (*os.File, error) {
	// Without O_NONBLOCK a named pipe would be waited for.
	file, err := os.OpenFile(program, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, runner.Fail(gates.RunnerUnavailable, err, "command %s is not installed on this worker", program)
	}
	if err != nil {
		return nil, runner.Fail(gates.RunnerUnavailable, err, "command %s cannot be opened", program)
	}
	info, err := file.Stat()
	if err == nil && info.Mode().IsRegular() && info.Mode()&0o111 != 0 {
		return file, nil
	}
	file.Close()
	return nil, runner.Fail(gates.RunnerUnavailable, err, "command %s is not an executable file", program)
}

// newMemoryFile returns an empty file in memory that can be sealed and executed.
func newMemoryFile(name string) (*os.File, error) {
	const flags = unix.MFD_CLOEXEC | unix.MFD_ALLOW_SEALING
	fd, err := unix.MemfdCreate(name, flags|unix.MFD_EXEC)
	if errors.Is(err, unix.EINVAL) {
		// Before Linux 6.3 there is no such flag, and every memory file is executable.
		fd, err = unix.MemfdCreate(name, flags)
	}
	if err != nil {
		return nil, os.NewSyscallError("memfd_create", err)
	}
	return os.NewFile(uintptr(fd), name), nil
}

func copyHashed(to io.Writer, from io.Reader) (records.Digest, error) {
	hash := sha256.New()
	if _, err := io.Copy(io.MultiWriter(hash, to), from); err != nil {
		return records.Digest{}, err
	}
	return records.Digest{Alg: records.SHA256, Value: hex.EncodeToString(hash.Sum(nil))}, nil
}
