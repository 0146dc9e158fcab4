//go:build linux

package command

import "errors"

// errOutputLimit is returned to whoever writes more than a program may.
var errOutputLimit = errors.New("output limit reached")

// capped keeps what is written up to a limit, in bytes. Beyond it, it calls over
// once and refuses.
type capped struct {
	limit int64
	over  func()
	kept  []byte
}

func (c *capped) Write(p []byte) (int, error) {
	room := c.limit - int64(len(c.kept))
	if int64(len(p)) <= room {
		c.kept = append(c.kept, p...)
		return len(p), nil
	}
	c.over()
	return 0, errOutputLimit
}

// tail keeps the last bytes that were written, size at most.
type tail struct {
	size int
	kept []byte
}

func (t *tail) Write(p []byte) (int, error) {
	t.kept = append(t.kept, p...)
	if len(t.kept) > 2*t.size { // trimming each time would copy too much
		t.kept = append(t.kept[:0], t.kept[len(t.kept)-t.size:]...)
	}
	return len(p), nil
}

func (t *tail) bytes() []byte { return t.kept[max(0, len(t.kept)-t.size):] }
