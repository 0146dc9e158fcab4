package temporal

import (
	"time"

	"go.temporal.io/server/common/dynamicconfig"
)

// unlimited is a rate that one machine does not reach. (Zero means other things in other settings.)
const unlimited = 1_000_000

// tuning returns the server settings that differ from the defaults.
func tuning() dynamicconfig.StaticClient {
	return dynamicconfig.StaticClient{
		// A queue processor reads the next tasks at most this often for each shard. With the default of 20 and
		// one shard, every workflow task and every activity waits up to 50 ms.
		dynamicconfig.TransferProcessorMaxPollRPS.Key(): unlimited,
		dynamicconfig.TimerProcessorMaxPollRPS.Key():    200, // timers that fire within 5 ms are read together
		// A timer that fires within this time is put off to its end, which allows for hosts with different clocks.
		// There is one clock here. With the default of 1 s, a retry after 10 ms took a second.
		dynamicconfig.TimerProcessorMaxTimeShift.Key(): 5 * time.Millisecond,
		// The list of workflows may lag by 50 ms: reading it in larger batches leaves the one SQLite connection
		// to the work itself. So history.visibilityProcessorMaxPollRPS stays as it is.

		// One partition of each task queue: no forwarding between partitions, and polls and tasks always meet.
		dynamicconfig.MatchingNumTaskqueueReadPartitions.Key():  1,
		dynamicconfig.MatchingNumTaskqueueWritePartitions.Key(): 1,

		// A caller that waits for a workflow's result may miss its end: the server drops a notification that comes
		// before the caller has taken the one before it, as happens on a busy machine. Then it learns of the end when
		// it asks again, which is after this time. With the default of 20 s, that was seen as a result 20 s late.
		dynamicconfig.HistoryLongPollExpirationInterval.Key(): time.Second,

		// Limits that protect tenants of a shared cluster from each other. At 32 builds at once they are reached,
		// and requests are delayed or refused.
		dynamicconfig.FrontendRPS.Key():                                         unlimited,
		dynamicconfig.FrontendMaxNamespaceRPSPerInstance.Key():                  unlimited,
		dynamicconfig.FrontendMaxNamespaceVisibilityRPSPerInstance.Key():        unlimited, // default 10: the Web UI alone exceeds it
		dynamicconfig.FrontendMaxConcurrentLongRunningRequestsPerInstance.Key(): unlimited,
		dynamicconfig.FrontendPersistenceMaxQPS.Key():                           unlimited,
		dynamicconfig.MatchingRPS.Key():                                         unlimited,
		dynamicconfig.MatchingPersistenceMaxQPS.Key():                           unlimited,
		dynamicconfig.HistoryRPS.Key():                                          unlimited,
		dynamicconfig.HistoryPersistenceMaxQPS.Key():                            unlimited,

		// Bookkeeping for metrics that nobody reads here.
		dynamicconfig.PersistenceHealthSignalMetricsEnabled.Key():     false,
		dynamicconfig.PersistenceHealthSignalAggregationEnabled.Key(): false,
	}
}
