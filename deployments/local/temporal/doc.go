// Package temporal runs a Temporal server and its Web UI inside this process, on one SQLite file.
//
// It is for one machine and one process: everything listens on the loopback interface, there is one
// history shard, and membership is static, so nothing a dead process left behind has to expire before the
// next one continues its workflows. The settings favour latency over the politeness that a shared cluster
// needs; each is explained where it is set (tuning.go, database.go).
package temporal
