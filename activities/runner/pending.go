package runner

import "errors"

// ErrPending is returned by a runner whose answer comes later, from outside: a
// callback completes the stage.
var ErrPending = errors.New("the runner will answer later")
