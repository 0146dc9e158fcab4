package resolve

import (
	"encoding/json"
	"fmt"

	"github.com/initkoa/orgo/activities/reference/index"
	"github.com/initkoa/orgo/activities/reference/stageconfig"
	"github.com/initkoa/orgo/records"
)

// Config is the config of the stage.
type Config struct {
	// Index is the pinned index of items and properties; without one, the
	// corpus is all there is.
	Index *index.Ref `json:"index,omitempty"`
	// MaxCandidates is how many candidates of one reference are kept. What goes
	// beyond is said in a warning with the code LIMIT_REACHED.
	MaxCandidates int `json:"max_candidates,omitempty"`
}

// The bounds of MaxCandidates. The default is far more than a person would look
// through.
const (
	defaultMaxCandidates = 100
	maxMaxCandidates     = 10_000
)

// CheckConfig checks the config of a stage when it is pinned. A bad one is a
// failure with gates.PinInvalid, an index without a digest one with
// gates.PinFloating.
func CheckConfig(raw json.RawMessage) error {
	_, err := parseConfig(raw)
	return err
}

func parseConfig(raw json.RawMessage) (Config, error) {
	config := Config{MaxCandidates: defaultMaxCandidates}
	if err := stageconfig.Decode(records.Resolve, raw, &config); err != nil {
		return Config{}, err
	}
	// Two are needed to see that the best is not the only one.
	if config.MaxCandidates < 2 || config.MaxCandidates > maxMaxCandidates {
		return Config{}, stageconfig.Invalid(records.Resolve, "/max_candidates",
			fmt.Errorf("%d is not from 2 to %d", config.MaxCandidates, maxMaxCandidates))
	}
	return config, config.Index.Check()
}
