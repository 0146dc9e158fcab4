package temporal

import (
	"fmt"
	"net"

	"go.temporal.io/server/common/cluster"
	"go.temporal.io/server/common/config"
	"go.temporal.io/server/common/membership/static"
	sqliteplugin "go.temporal.io/server/common/persistence/sql/sqlplugin/sqlite"
	"go.temporal.io/server/common/primitives"

	"github.com/initkoa/orgo/deployments/local/ports"
)

// clusterName is stored in the database on the first start and must not change afterwards.
const clusterName = "active"

// hosts is the address of each service of the server. Only the frontend's is known outside.
type hosts map[primitives.ServiceName]string

func allotHosts(frontendAddr string) (hosts, error) {
	internal, err := ports.Free(3)
	if err != nil {
		return nil, err
	}
	return hosts{
		primitives.FrontendService: frontendAddr,
		primitives.HistoryService:  internal[0],
		primitives.MatchingService: internal[1],
		primitives.WorkerService:   internal[2],
	}, nil
}

// static makes the membership fixed. With the gossip protocol instead, a restart within 20 s of a kill
// first tries to join the dead process, through its heartbeat in the database.
func (h hosts) static() map[primitives.ServiceName]static.Hosts {
	members := make(map[primitives.ServiceName]static.Hosts, len(h))
	for service, addr := range h {
		members[service] = static.SingleLocalHost(addr)
	}
	return members
}

func (h hosts) services() map[string]config.Service {
	services := make(map[string]config.Service, len(h))
	for service, addr := range h {
		tcp, err := net.ResolveTCPAddr("tcp", addr)
		if err != nil {
			// Addresses come from listeners, which print them numerically.
			panic(fmt.Sprintf("address of %s: %v", service, err))
		}
		services[string(service)] = config.Service{
			RPC: config.RPC{BindOnIP: tcp.IP.String(), GRPCPort: tcp.Port},
		}
	}
	return services
}

func serverConfig(sqlite *config.SQL, h hosts) *config.Config {
	const disabled = "disabled"
	return &config.Config{
		Services: h.services(),
		Persistence: config.Persistence{
			DefaultStore:     sqliteplugin.PluginName,
			VisibilityStore:  sqliteplugin.PluginName,
			NumHistoryShards: shards,
			DataStores:       map[string]config.DataStore{sqliteplugin.PluginName: {SQL: sqlite}},
		},
		ClusterMetadata: &cluster.Config{
			FailoverVersionIncrement: 10,
			MasterClusterName:        clusterName,
			CurrentClusterName:       clusterName,
			ClusterInformation: map[string]cluster.ClusterInformation{
				clusterName: {Enabled: true, InitialFailoverVersion: 1, RPCAddress: h[primitives.FrontendService]},
			},
		},
		DCRedirectionPolicy: config.DCRedirectionPolicy{Policy: "noop"},
		PublicClient:        config.PublicClient{HostPort: h[primitives.FrontendService]},
		Archival: config.Archival{
			History:    config.HistoryArchival{State: disabled},
			Visibility: config.VisibilityArchival{State: disabled},
		},
		NamespaceDefaults: config.NamespaceDefaults{Archival: config.ArchivalNamespaceDefaults{
			History:    config.HistoryArchivalNamespaceDefaults{State: disabled},
			Visibility: config.VisibilityArchivalNamespaceDefaults{State: disabled},
		}},
	}
}
