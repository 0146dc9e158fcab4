package render

import (
	"encoding/json"

	"github.com/initkoa/orgo/activities/reference/stageconfig"
	"github.com/initkoa/orgo/records"
)

// Config is the config of the stage. There is nothing to choose.
type Config struct{}

// CheckConfig checks the config of a stage before it runs. A bad one is a failure
// with gates.PinInvalid.
func CheckConfig(raw json.RawMessage) error {
	return stageconfig.Decode(records.Render, raw, &Config{})
}
