package rollout

import (
	"fmt"

	"github.com/initkoa/orgo/gates"
)

// Refusal is why an event changed nothing. It is an answer, not a failure.
type Refusal struct {
	Code    gates.Code `json:"code"`
	Message string     `json:"message"`
}

func (r *Refusal) Error() string { return fmt.Sprintf("%s: %s", r.Code, r.Message) }

func refuse(code gates.Code, format string, args ...any) *Refusal {
	return &Refusal{Code: code, Message: fmt.Sprintf(format, args...)}
}
