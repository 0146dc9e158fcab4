package rollout_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/initkoa/orgo/gates"
	"github.com/initkoa/orgo/gates/cohort"
	"github.com/initkoa/orgo/gates/rollout"
	"github.com/initkoa/orgo/records"
	"github.com/initkoa/orgo/records/release"
)

func span(d time.Duration) records.Duration { return records.Duration(d) }

func divided(points ...int) []release.Portion {
	cohorts := make([]release.Portion, len(points))
	for i, p := range points {
		cohorts[i] = release.Portion{Cohort: string(rune('a' + i)), Points: p}
	}
	return cohorts
}

func named(cohort string, points int) []release.Portion {
	return []release.Portion{{Cohort: cohort, Points: points}}
}

func stagesOf(p release.Plan) map[string][]string {
	stages := map[string][]string{}
	for _, part := range p.Parts {
		stages[part.Name] = part.Cohorts
	}
	return stages
}

func TestPlans(t *testing.T) {
	t.Parallel()
	abc := divided(500, 2000, 7500)
	staged := []release.Stage{{Name: "one", Cohorts: []string{"b"}}, {Name: "two", Cohorts: []string{"c", "a"}}}
	for name, x := range map[string]struct {
		strategy release.Strategy
		existing []release.Portion
		cohorts  []release.Portion
		stages   map[string][]string
	}{
		"all of a new channel": {release.Strategy{Mode: release.AllAtOnce}, nil,
			[]release.Portion{{Cohort: "canary", Points: 1000}, {Cohort: "rest", Points: 9000}}, map[string][]string{"all": {"canary", "rest"}}},
		"all of its own":           {release.Strategy{Mode: release.AllAtOnce, Cohorts: abc}, nil, abc, map[string][]string{"all": {"a", "b", "c"}}},
		"the same cohorts again":   {release.Strategy{Mode: release.Pinned, Cohorts: abc}, abc, abc, map[string][]string{"all": {"a", "b", "c"}}},
		"a percentage, new":        {release.Strategy{Mode: release.Percentage, Percentage: 7}, nil, []release.Portion{{Cohort: "first", Points: 700}, {Cohort: "rest", Points: 9300}}, map[string][]string{"first": {"first"}, "rest": {"rest"}}},
		"a percentage of cohorts":  {release.Strategy{Mode: release.Percentage, Percentage: 25}, abc, abc, map[string][]string{"first": {"a", "b"}, "rest": {"c"}}},
		"a percentage of one":      {release.Strategy{Mode: release.Percentage, Percentage: 5}, abc, abc, map[string][]string{"first": {"a"}, "rest": {"b", "c"}}},
		"a percentage of its own":  {release.Strategy{Mode: release.Percentage, Percentage: 5, Cohorts: abc}, nil, abc, map[string][]string{"first": {"a"}, "rest": {"b", "c"}}},
		"stages in their order":    {release.Strategy{Mode: release.Staged, Stages: staged}, abc, abc, map[string][]string{"one": {"b"}, "two": {"c", "a"}}},
		"stages and cohorts, both": {release.Strategy{Mode: release.Staged, Stages: staged, Cohorts: abc}, nil, abc, map[string][]string{"one": {"b"}, "two": {"c", "a"}}},
	} {
		plan, refused := rollout.PlanOf(x.strategy, x.existing)
		require.Nil(t, refused, name)
		require.Equal(t, x.cohorts, plan.Cohorts, name)
		require.Equal(t, x.stages, stagesOf(plan), name)
	}
}

func TestAPlanLeavesNothingOpen(t *testing.T) {
	t.Parallel()
	plan, refused := rollout.PlanOf(release.Strategy{Mode: release.Pinned}, nil)
	require.Nil(t, refused)
	require.Equal(t, release.Plan{
		Cohorts: []release.Portion{{Cohort: "canary", Points: 1000}, {Cohort: "rest", Points: 9000}},
		Parts:   []release.Part{{Name: "all", Cohorts: []string{"canary", "rest"}, Observe: span(time.Minute), Deadline: span(10 * time.Minute)}},
		Soak:    span(time.Minute), PinFor: span(168 * time.Hour), OnNoTarget: "safe_mode",
	}, plan)

	plan, refused = rollout.PlanOf(release.Strategy{
		Mode: release.Staged, Cohorts: divided(1, 9999), Observe: span(time.Hour), Deadline: span(2 * time.Hour), Soak: span(time.Second), OnNoTarget: "stay",
		Stages: []release.Stage{{Name: "one", Cohorts: []string{"a"}, Observe: span(time.Second), Manual: true}, {Name: "two", Cohorts: []string{"b"}, Deadline: span(time.Hour)}},
	}, nil)
	require.Nil(t, refused)
	require.Equal(t, []release.Part{
		{Name: "one", Cohorts: []string{"a"}, Observe: span(time.Second), Deadline: span(2 * time.Hour), Manual: true},
		{Name: "two", Cohorts: []string{"b"}, Observe: span(time.Hour), Deadline: span(time.Hour)},
	}, plan.Parts)
	require.Equal(t, span(time.Second), plan.Soak)
	require.Equal(t, "stay", plan.OnNoTarget)
	require.Zero(t, plan.PinFor, "of mode pinned alone")
}

func TestWhatIsNoPlanIsRefused(t *testing.T) {
	t.Parallel()
	abc := divided(500, 2000, 7500)
	all := func(change func(*release.Strategy)) release.Strategy {
		s := release.Strategy{Mode: release.AllAtOnce}
		change(&s)
		return s
	}
	stages := func(list ...release.Stage) release.Strategy {
		return release.Strategy{Mode: release.Staged, Stages: list}
	}
	stage := func(name string, cohorts ...string) release.Stage {
		return release.Stage{Name: name, Cohorts: cohorts}
	}
	for name, x := range map[string]struct {
		strategy release.Strategy
		existing []release.Portion
		says     string
	}{
		"no mode":                  {release.Strategy{}, nil, "no mode"},
		"another mode":             {release.Strategy{Mode: "blue_green"}, nil, "no mode"},
		"other cohorts":            {all(func(s *release.Strategy) { s.Cohorts = divided(5000, 5000) }), abc, "keeps them"},
		"the cohorts in disorder":  {all(func(s *release.Strategy) { s.Cohorts = []release.Portion{abc[1], abc[0], abc[2]} }), abc, "keeps them"},
		"one of its cohorts":       {all(func(s *release.Strategy) { s.Cohorts = abc[:1] }), abc, "keeps them"},
		"less than all":            {all(func(s *release.Strategy) { s.Cohorts = divided(500, 9499) }), nil, "add up to 9999"},
		"more than all":            {all(func(s *release.Strategy) { s.Cohorts = divided(500, 9501) }), nil, "together 10000"},
		"all, by what is below 0":  {all(func(s *release.Strategy) { s.Cohorts = divided(-500, 10500) }), nil, "at least 1"},
		"all, by overflow":         {all(func(s *release.Strategy) { s.Cohorts = divided(1<<62, 1<<62, 1<<62, 1<<62, 10000) }), nil, "together 10000"},
		"a cohort of nobody":       {all(func(s *release.Strategy) { s.Cohorts = divided(0, 10000) }), nil, "at least 1"},
		"a channel that is broken": {all(func(*release.Strategy) {}), divided(1), "add up to 1"},
		"a cohort twice":           {all(func(s *release.Strategy) { s.Cohorts = append(named("x", 5000), named("X", 5000)...) }), nil, "twice"},
		"no name":                  {all(func(s *release.Strategy) { s.Cohorts = named("", 10000) }), nil, "no name"},
		"a way out":                {all(func(s *release.Strategy) { s.Cohorts = named("..", 10000) }), nil, "no name"},
		"a way down":               {all(func(s *release.Strategy) { s.Cohorts = named("a/b", 10000) }), nil, "no name"},
		"a line feed":              {all(func(s *release.Strategy) { s.Cohorts = named("a\n", 10000) }), nil, "no name"},
		"a percentage of all":      {all(func(s *release.Strategy) { s.Percentage = 10 }), nil, "of mode percentage"},
		"stages of all":            {all(func(s *release.Strategy) { s.Stages = []release.Stage{stage("s", "canary")} }), nil, "of mode staged"},
		"a pin of all":             {all(func(s *release.Strategy) { s.PinFor = 1 }), nil, "of mode pinned"},
		"no percentage":            {release.Strategy{Mode: release.Percentage}, nil, "1 to 99"},
		"100 percent":              {release.Strategy{Mode: release.Percentage, Percentage: 100}, nil, "1 to 99"},
		"less than none":           {release.Strategy{Mode: release.Percentage, Percentage: -5}, nil, "1 to 99"},
		"no such percentage":       {release.Strategy{Mode: release.Percentage, Percentage: 20}, abc, "these percentages can: 5, 25"},
		"none at all":              {release.Strategy{Mode: release.Percentage, Percentage: 20}, divided(10000), "nor can any other"},
		"none that is whole":       {release.Strategy{Mode: release.Percentage, Percentage: 5}, divided(501, 9499), "nor can any other"},
		"no stages":                {stages(), abc, "no stage takes the cohorts a, b, c"},
		"a cohort left":            {stages(stage("s", "a", "c")), abc, "no stage takes the cohorts b"},
		"a cohort unknown":         {stages(stage("s", "a", "b", "c", "d")), abc, `"d"`},
		"a cohort twice in one":    {stages(stage("s", "a", "b", "c", "a")), abc, `"a"`},
		"a cohort twice in two":    {stages(stage("s", "a", "b", "c"), stage("t", "a")), abc, `"a"`},
		"a stage of nobody":        {stages(stage("s", "a", "b", "c"), stage("t")), abc, "takes no cohort"},
		"a stage without a name":   {stages(stage("", "a", "b", "c")), abc, "no name"},
		"two stages, one name":     {stages(stage("s", "a", "b"), stage("S", "c")), abc, "twice"},
		"watched too long":         {all(func(s *release.Strategy) { s.Observe = span(time.Hour) }), nil, "watched for 1h0m0s"},
		"one watched too long": {stages(stage("s", "a", "b"), release.Stage{Name: "t", Cohorts: []string{"c"}, Observe: span(2 * time.Minute), Deadline: span(time.Minute)}),
			abc, "stage t is watched"},
		"a negative duration":          {all(func(s *release.Strategy) { s.Soak = -1 }), nil, "negative"},
		"a negative duration of a one": {stages(stage("s", "a", "b"), release.Stage{Name: "t", Cohorts: []string{"c"}, Observe: -1}), abc, "negative"},
		"something else at the end":    {all(func(s *release.Strategy) { s.OnNoTarget = "hope" }), nil, "on_no_target"},
	} {
		plan, refused := rollout.PlanOf(x.strategy, x.existing)
		require.NotNil(t, refused, name)
		require.Equal(t, gates.RequestInvalid, refused.Code, name)
		require.Contains(t, refused.Message, x.says, name)
		require.Zero(t, plan, name)
	}
}

// anyStrategy draws a strategy that is often one, and the cohorts of a channel.
func anyStrategy(t *rapid.T) (release.Strategy, []release.Portion) {
	own := [][]release.Portion{nil, divided(10000), divided(1000, 9000), divided(500, 2000, 7500), divided(500, 2000)}
	s := release.Strategy{
		Mode:       rapid.SampledFrom([]release.Mode{release.AllAtOnce, release.Percentage, release.Staged, release.Pinned, ""}).Draw(t, "mode"),
		Cohorts:    rapid.SampledFrom(own).Draw(t, "cohorts"),
		Observe:    span(rapid.SampledFrom([]time.Duration{0, 1, time.Minute, time.Hour, -1}).Draw(t, "observe")),
		Deadline:   span(rapid.SampledFrom([]time.Duration{0, 1, time.Hour}).Draw(t, "deadline")),
		OnNoTarget: rapid.SampledFrom([]string{"", "stay", "safe_mode", "go"}).Draw(t, "on no target"),
	}
	if s.Mode == release.Percentage {
		s.Percentage = rapid.SampledFrom([]int{5, 10, 25, 100}).Draw(t, "percentage")
	}
	if s.Mode == release.Staged {
		left := rapid.Permutation([]string{"a", "b", "c"}[:rapid.IntRange(1, 3).Draw(t, "names")]).Draw(t, "order")
		for len(left) > 0 {
			n := rapid.IntRange(1, len(left)).Draw(t, "taken")
			s.Stages = append(s.Stages, release.Stage{Name: fmt.Sprint(len(left)), Cohorts: slices.Clone(left[:n]), Manual: n == 1})
			left = left[n:]
		}
	}
	return s, rapid.SampledFrom(own).Draw(t, "existing")
}

// faulty returns what is wrong with a plan, or nothing.
func faulty(p release.Plan) string {
	points, names, taken := 0, []string{}, []string{}
	for _, c := range p.Cohorts {
		points, names = points+c.Points, append(names, c.Cohort)
	}
	for _, part := range p.Parts {
		taken = append(taken, part.Cohorts...)
		if part.Observe <= 0 || part.Deadline < part.Observe || len(part.Cohorts) == 0 {
			return "a stage that cannot pass"
		}
	}
	slices.Sort(names)
	slices.Sort(taken)
	switch {
	case points != cohort.Buckets:
		return "not all of the channel"
	case !slices.Equal(names, taken) || len(slices.Compact(names)) != len(taken):
		return "not every cohort once"
	case p.Soak <= 0 || p.OnNoTarget != "stay" && p.OnNoTarget != "safe_mode":
		return "something left open"
	}
	return ""
}

// What is planned takes every cohort once, and is the same on the channel that it
// divided: nothing of it comes from the request's memory.
func TestEveryPlanIsWhole(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		s, existing := anyStrategy(t)
		plan, refused := rollout.PlanOf(s, existing)
		if refused != nil {
			return
		}
		require.Empty(t, faulty(plan))
		if len(existing) > 0 {
			require.Equal(t, existing, plan.Cohorts)
		}
		again, refused := rollout.PlanOf(s, plan.Cohorts)
		require.Nil(t, refused)
		require.Equal(t, plan, again)
		before, err := records.CanonicalDigest(plan)
		require.NoError(t, err)
		for _, stage := range s.Stages {
			stage.Cohorts[0] = "changed"
		}
		after, err := records.CanonicalDigest(plan)
		require.NoError(t, err)
		require.Equal(t, before, after)
	})
}

// Planted faults: a plan that forgets a cohort, takes one twice, or is not of the
// whole channel is seen.
func TestFaultyPlansAreSeen(t *testing.T) {
	t.Parallel()
	for name, plant := range map[string]func(*release.Plan){
		"a cohort forgotten": func(p *release.Plan) { p.Parts[0].Cohorts = p.Parts[0].Cohorts[1:] },
		"a cohort twice":     func(p *release.Plan) { p.Parts = append(p.Parts, p.Parts[0]) },
		"less than all":      func(p *release.Plan) { p.Cohorts[0].Points-- },
		"no deadline":        func(p *release.Plan) { p.Parts[0].Deadline = 0 },
		"never watched":      func(p *release.Plan) { p.Parts[0].Observe = 0 },
		"nothing to go back": func(p *release.Plan) { p.OnNoTarget = "" },
	} {
		plan, refused := rollout.PlanOf(release.Strategy{Mode: release.AllAtOnce}, nil)
		require.Nil(t, refused)
		require.Empty(t, faulty(plan))
		plant(&plan)
		require.NotEmpty(t, faulty(plan), name)
	}
}

// Each node of a channel is in one of its cohorts.
func TestMembersDivideAllNodes(t *testing.T) {
	t.Parallel()
	known := make([]cohort.Node, 40)
	for i := range known {
		known[i].ID = fmt.Sprintf("node-%d", i)
	}
	rapid.Check(t, func(t *rapid.T) {
		cohorts := rapid.SampledFrom([][]release.Portion{divided(10000), divided(1, 9999), divided(500, 2000, 7500)}).Draw(t, "cohorts")
		some := rapid.Permutation(known).Draw(t, "known")[:rapid.IntRange(len(cohorts), len(known)).Draw(t, "nodes")]
		members, err := rollout.Members("salt", cohorts, some)
		require.NoError(t, err)
		in := []string{}
		for i, m := range members {
			require.Equal(t, cohorts[i].Cohort, m.Cohort.Name)
			require.NoError(t, m.Verify())
			require.NotEmpty(t, m.Nodes)
			in = append(in, m.Nodes...)
		}
		slices.Sort(in)
		require.Len(t, slices.Compact(in), len(some))
	})
	_, err := rollout.Members("salt", divided(1000, 9000), known[:1])
	require.ErrorIs(t, err, cohort.ErrFew)
	_, err = rollout.Members("salt", divided(-1, 10000), known)
	require.ErrorIs(t, err, cohort.ErrDivision)
	_, err = rollout.Members("salt", divided(1<<32+1000, 9000), known)
	require.ErrorIs(t, err, cohort.ErrDivision, "conversion makes nothing smaller")
}
