package target

import (
	"errors"

	"github.com/initkoa/orgo/activities/runner"
	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/records/index"
)

// codes are those of the faults that are not simply a refused index.
func codes() map[index.Fault]gates.Code {
	return map[index.Fault]gates.Code{
		index.NotAuthorized: gates.IndexDowngrade,
		index.RevokedPack:   gates.ArtifactRevoked,
		index.BelowMinimum:  gates.BelowMinimum,
	}
}

// refused gives the fault of an index its code.
func refused(err error) error {
	var broken *index.Error
	if !errors.As(err, &broken) {
		return err
	}
	code, special := codes()[broken.Fault]
	if !special {
		code = gates.IndexRefused
	}
	return runner.Fail(code, err, "the index is refused")
}

func unavailable(err error) error {
	return runner.Fail(gates.TargetUnavailable, err, "the target cannot be read or written")
}
