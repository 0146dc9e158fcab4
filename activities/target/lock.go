package target

import (
	"errors"
	"os"
	"syscall"

	"github.com/initkoa/orgo/activities/runner"
	"github.com/initkoa/orgo/gates"
)

// alone does something while nobody else changes the target.
func (d *Directory) alone(do func() error) (err error) {
	unlock, err := d.lock()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, unlock()) }()
	return do()
}

// lock keeps other publishers out until unlock is called. It is the operating
// system's lock, so a killed process leaves none behind.
func (d *Directory) lock() (unlock func() error, err error) {
	file, err := d.dir.OpenFile("lock", os.O_CREATE|os.O_RDWR, fileMode)
	if err != nil {
		return nil, unavailable(err)
	}
	err = syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return nil, errors.Join(runner.Fail(gates.TargetBusy, nil, "another publisher holds target %s", d.channel), file.Close())
	}
	if err != nil {
		return nil, errors.Join(unavailable(err), file.Close())
	}
	// To close the file is not enough: a process that is just being started by this
	// one holds a copy of it until it runs, and with it the lock (flock(2)).
	return func() error {
		return errors.Join(syscall.Flock(int(file.Fd()), syscall.LOCK_UN), file.Close())
	}, nil
}
