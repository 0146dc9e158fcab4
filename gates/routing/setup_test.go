package routing_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/gates/routing"
	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/records/cases"
)

const organization = records.DefaultOrganization

// known is the table of reason codes that there is.
func known() routing.Known {
	var codes []string
	for _, r := range gates.Reasons() {
		codes = append(codes, string(r.Code))
	}
	return routing.Known{Reasons: gates.CaseReasons(codes)}
}

// incident is of a build, with reason codes.
func incident(codes ...string) routing.Facts {
	return routing.Facts{Organization: organization, Cause: cases.CauseBuild, Incident: true, Reasons: gates.CaseReasons(codes)}
}

func to(team string) routing.Then {
	return routing.Then{
		Label: "1000.1.1.Ops", Owners: []cases.Owner{{Kind: cases.Team, ID: team}}, Priority: cases.High, Visibility: cases.Internal,
		ResolveWithin: records.Duration(time.Hour), TaskPauses: []cases.TaskStatus{cases.TaskOnHold},
	}
}

func rule(id string, when routing.When) routing.Rule {
	return routing.Rule{ID: id, When: when, Then: to(id)}
}

func rulesOf(t *testing.T, rules ...routing.Rule) routing.Rules {
	t.Helper()
	rest, digest := to("rest"), records.DigestOf([]byte("policy"))
	config := routing.Config{Rules: rules, Default: &rest}
	_, problem := config.Problem(known())
	require.Empty(t, problem)
	return routing.Rules{Source: "p/route", Policy: &digest, Config: config}
}
