package cli

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"github.com/initkoa/orgo/client"
	"github.com/initkoa/orgo/records/release"
)

// glassSteps say what a broken glass still asks for. One that nobody confirmed was
// never broken.
func glassSteps(r release.Record) []string {
	glass := r.BreakGlass
	switch {
	case glass == nil || len(glass.Reviewed) > 0:
		return nil
	case len(glass.By) == 1 && !client.ReleaseSettled(r):
		return []string{"  to confirm it, as another person: orgo release confirm-break-glass " + r.ReleaseID + " --reason REASON"}
	case len(glass.By) > 1:
		return []string{"  to review it, as a third person: orgo release review-break-glass " + r.ReleaseID + " --reason REASON"}
	default:
		return nil
	}
}

// glassText says what was broken, and how that stands.
func glassText(r release.Record) string {
	glass := *r.BreakGlass
	text := fmt.Sprintf("%s, into stage %s, by %s, until %s, case %s", strings.Join(glass.Gates, ", "), stageOf(r, glass.Stage),
		strings.Join(glass.By, " and "), timeText(glass.ExpiresAt), glass.CaseID)
	var found struct {
		By    string `json:"by"`
		Found string `json:"found"`
	}
	switch {
	case json.Unmarshal(glass.Reviewed, &found) == nil:
		return text + fmt.Sprintf("; reviewed by %s: %s", found.By, found.Found)
	case len(glass.By) == 1:
		return text + "; not confirmed"
	case glass.Used:
		return text + "; used, review due " + timeText(glass.ReviewBy)
	default:
		return text + "; review due " + timeText(glass.ReviewBy)
	}
}

// stageOf names the stage that is entered; one past the last closes the release.
func stageOf(r release.Record, stage int) string {
	if stage < len(r.Stages) {
		return r.Stages[stage].Name
	}
	return strconv.Itoa(stage + 1)
}
