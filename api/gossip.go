package api

import (
	"context"
	"encoding/base64"
	"errors"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/initkoa/orgo/client"
	"github.com/initkoa/orgo/records/store"
)

// gossipAge is how old a checkpoint may be that an answer bears.
const gossipAge = time.Second

// gossip puts the newest checkpoint on every answer, so that whoever calls holds
// the server to what it showed before.
type gossip struct {
	ledger Ledger

	mu      sync.Mutex
	encoded string
	read    time.Time
}

// checkpoint returns the newest checkpoint in base64, or nothing while the log is
// empty. With an error comes the last one that could be read, if there is one.
func (g *gossip) checkpoint(ctx context.Context) (string, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	// That a log is empty is not kept: another server may have shown its first leaf.
	if g.encoded != "" && time.Since(g.read) < gossipAge {
		return g.encoded, nil
	}
	text, err := g.ledger.Checkpoint(ctx)
	g.read = time.Now()
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return g.encoded, err // an older one is as true, and callers must not queue up for a new one
	}
	g.encoded = base64.StdEncoding.EncodeToString(text)
	return g.encoded, nil
}

// gossiping puts the header on the answers of the API proper.
func (s *server) gossiping(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/v1/") {
			encoded, err := s.gossip.checkpoint(r.Context())
			if err != nil {
				s.log.WarnContext(r.Context(), "the newest checkpoint cannot be read", "request_id", infoOf(r.Context()).id, "error", err)
			}
			if encoded != "" {
				w.Header().Set(client.CheckpointHeader, encoded)
			}
		}
		next.ServeHTTP(w, r)
	})
}
