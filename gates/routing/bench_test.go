package routing_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/initkoa/orgo/gates/routing"
)

// The largest config that there may be is checked whenever its policy is compiled.
func BenchmarkCheckTheLargestConfig(b *testing.B) {
	rest := to("rest")
	config := routing.Config{Default: &rest}
	table := known()
	for i := range 200 {
		config.Rules = append(config.Rules, rule(fmt.Sprint("r", i), routing.When{Organizations: []string{fmt.Sprint(i)}, Classes: []string{"F1", "F2"}}))
	}
	for b.Loop() {
		_, problem := config.Problem(table)
		require.Empty(b, problem)
	}
}

func BenchmarkRoute(b *testing.B) {
	facts := incident(f1, f2)
	for b.Loop() {
		routing.Route(facts, routing.Rules{})
	}
}
