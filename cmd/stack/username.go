package stack

import (
	"os/user"

	"github.com/initkoa/orgo/records/person"
)

// Username returns who runs this process, for the record, or "operator" where the
// system does not say, or has a name that no actor may have.
func Username() string {
	if current, err := user.Current(); err == nil && person.Somebody(current.Username) && !person.Mixed(current.Username) {
		return current.Username
	}
	return "operator"
}
