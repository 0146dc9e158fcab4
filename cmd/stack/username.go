package stack

import "os/user"

// Username returns who runs this process, for the record, or "operator" where the
// system does not say.
func Username() string {
	if current, err := user.Current(); err == nil && current.Username != "" {
		return current.Username
	}
	return "operator"
}
