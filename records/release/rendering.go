package release

import (
	"time"

	"github.com/initkoa/orgo/records"
)

// Types of the entries about the rendering of a release's pack.
const (
	TypeRendered     = "orgo.release.rendered"      // Rendering
	TypeRenderFailed = "orgo.release.render-failed" // Rendering
)

// Rendering is what became of the stage render: what the pack was rendered to, by the
// runner that the pipeline of its build names. One that failed is a finding: it takes
// nothing back.
type Rendering struct {
	Status    records.StageStatus     `json:"status"` // PASS or ERROR
	StartedAt time.Time               `json:"started_at"`
	EndedAt   time.Time               `json:"ended_at"`
	Runner    *records.RunnerSettings `json:"runner,omitempty"`
	Key       string                  `json:"idempotency_key,omitempty"`
	Outputs   []records.Artifact      `json:"outputs,omitempty"`
	Code      string                  `json:"reason_code,omitempty"`
	Message   string                  `json:"message,omitempty"`
}
