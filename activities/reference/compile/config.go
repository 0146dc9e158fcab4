package compile

import (
	"encoding/json"

	"github.com/initkoa/orgo/activities/reference/stageconfig"
	"github.com/initkoa/orgo/records"
)

// Config is the config of the stage.
type Config struct {
	// AdmitPartial lets a report with the status "partial" pass here. Policy
	// decides about it before, and this does not go before policy.
	AdmitPartial bool `json:"admit_partial"`
}

// CheckConfig checks the config of a stage when it is pinned. A bad one is a
// failure with gates.PinInvalid.
func CheckConfig(raw json.RawMessage) error {
	_, err := parseConfig(raw)
	return err
}

func parseConfig(raw json.RawMessage) (Config, error) {
	var config Config
	err := stageconfig.Decode(records.Compile, raw, &config)
	return config, err
}
