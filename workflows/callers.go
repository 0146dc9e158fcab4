package workflows

import (
	"strings"

	"github.com/initkoa/orgo/activities/releases"
	"github.com/initkoa/orgo/records"
)

// Callers knows the workflows of releases, channels and rollbacks by their ids, which
// only they bear.
type Callers struct{}

var _ releases.Callers = Callers{}

// callers has what the id of each type says: its parts, after the kind and the
// organization.
var callers = map[string]struct {
	kind  string
	parts int
	of    func(organization string, parts []string) releases.Caller
}{
	ReleaseWorkflow: {"release", 1, func(_ string, p []string) releases.Caller {
		return releases.Caller{Subject: records.ReleaseSubject(p[0])}
	}},
	ChannelWorkflow: {"channel", 2, func(organization string, p []string) releases.Caller {
		return releases.Caller{Subject: records.ChannelSubject(organization, records.ChannelName{Environment: p[0], Name: p[1]})}
	}},
	RollbackWorkflow: {"rollback", 3, func(organization string, p []string) releases.Caller {
		return releases.Caller{
			Subject:     records.ChannelSubject(organization, records.ChannelName{Environment: p[0], Name: p[1]}),
			Containment: p[2],
		}
	}},
}

// Caller returns whose workflow has a type and an id.
func (Callers) Caller(workflowType, workflowID string) (releases.Caller, bool) {
	row, known := callers[workflowType]
	parts := strings.Split(workflowID, "/")
	if !known || len(parts) != 2+row.parts || parts[0] != row.kind {
		return releases.Caller{}, false
	}
	for _, part := range parts {
		if part == "" {
			return releases.Caller{}, false
		}
	}
	caller := row.of(parts[1], parts[2:])
	caller.Organization = parts[1]
	return caller, true
}
