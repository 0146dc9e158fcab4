package temporal

import (
	"context"
	"fmt"
	"net"
	"net/http"

	uiserver "github.com/temporalio/ui-server/v2/server"
	uiconfig "github.com/temporalio/ui-server/v2/server/config"
	uioptions "github.com/temporalio/ui-server/v2/server/server_options"

	"github.com/initkoa/orgo/deployments/local/ports"
)

// webUI is the running Web UI.
type webUI struct {
	addr   string
	server *uiserver.Server
	done   chan struct{} // closed when it no longer listens
}

func startWebUI(addr, frontendAddr, namespace string) (*webUI, error) {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, fmt.Errorf("address %s of the web ui: %w", addr, err)
	}
	port, err := ports.Number(addr)
	if err != nil {
		return nil, fmt.Errorf("address %s of the web ui: %w", addr, err)
	}
	ui := &webUI{
		addr: addr,
		done: make(chan struct{}),
		server: uiserver.NewServer(uioptions.WithConfigProvider(&uiconfig.Config{
			Host:                host,
			Port:                port,
			TemporalGRPCAddress: frontendAddr,
			DefaultNamespace:    namespace,
			EnableUI:            true,
			HideLogs:            true,
			DisableNewsFetch:    true,                                // nothing here reaches for the network
			CORS:                uiconfig.CORS{CookieInsecure: true}, // plain HTTP, on loopback
		})),
	}
	go func() {
		defer close(ui.done)
		// Start returns only when stopped: it ends the process itself when it cannot listen.
		_ = ui.server.Start()
	}()
	return ui, nil
}

func (ui *webUI) stop() {
	ui.server.Stop()
	<-ui.done
}

// answers reports whether the Web UI serves its health page.
func (ui *webUI) answers(ctx context.Context) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+ui.addr+"/healthz", nil)
	if err != nil {
		return err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("web ui on %s answers %s", ui.addr, response.Status)
	}
	return nil
}
