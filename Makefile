# make help lists the targets.
MODULES = ./... ./deployments/local/...
TOOL = GOWORK=off go tool -modfile=tools/go.mod

.PHONY: help build test check chaos bench ledger scale differential search histories simulate rollbacks races cases

help: ## list the targets
	@awk -F':.*## ' '/^[a-z]+:.*## / {printf "  %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

build: ## build orgo and the local stack into bin/
	go build -o bin/ ./cmd/orgo
	go build -o bin/orgo-local ./deployments/local

test: ## run every test of both modules
	go test -timeout 20m $(MODULES)

check: ## gofmt, vet, staticcheck, workflowcheck, and that the root module stands alone
	@test -z "$$(gofmt -l .)" || { echo "not gofmt'ed:"; gofmt -l .; exit 1; }
	GOWORK=off go build ./...
	go vet $(MODULES)
	$(TOOL) staticcheck ./...
	$(TOOL) workflowcheck -config .workflowcheck.yaml ./workflows/...

chaos: ## 200,000 events through crashes of Postgres: every consumer sees each once, in order
	ORGO_CHAOS_EVENTS=200000 go test ./records/store -run EveryConsumer -v -timeout 30m

bench: ## builds per second next to a bare workflow, with ratios
	go run ./deployments/local/bench

rollbacks: ## from a crossed threshold to the index on disk, next to an operator's rollback
	go run ./deployments/local/bench -rollbacks 200

races: ## operators at once, 100,000 samples to one release, and rollbacks past a wedged one
	ORGO_RACES=1 go test ./deployments/local/races -v -timeout 60m

ledger: ## what the log costs: appends, proofs, the check of 1,000,000 leaves, and builds with and without it
	go test ./records/store -run '^$$' -bench BenchmarkAppend
	go test ./records/ledger -run '^$$' -bench .
	ORGO_BENCH_LEAVES=1000000 go test ./records/store -run '^$$' -bench BenchmarkVerifyLog -benchtime 1x -timeout 60m
	go run ./deployments/local/bench -ledger

cases: ## lists and transitions among 100,000 Cases with 300,000 Tasks, next to 1,000 Cases, on both databases
	ORGO_BENCH_CASES=100000 go test ./records/store -run '^$$' -bench BenchmarkCases -benchtime 500x -timeout 60m

scale: ## 1,000,000 CSV rows through a build, with time and memory
	go run ./deployments/local/scale

differential: ## 1,000,000 generated pairs of schema and document, judged by two validators
	ORGO_FUZZ_PAIRS=1000000 go test ./schemas -run '^TestDifferential$$' -v -timeout 60m

search: ## every state of a channel with two rare events on a path, some millions
	ORGO_SEARCH=2 go test ./gates/rollout -run NoState -v -timeout 60m

simulate: ## 50,000 histories of a release in a world that goes wrong: none goes forward without PASS
	GOGC=200 ORGO_PROPERTY_SCALE=167 go test ./workflows -run NoHistory -v -timeout 60m
	ORGO_PROPERTY_SCALE=10 go test ./gates/rollout -run LongInboxes -v -timeout 60m

histories: ## record the workflow histories, of builds and of releases, that the replay tests read
	go run ./deployments/local/histories
