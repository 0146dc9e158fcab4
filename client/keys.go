package client

import (
	"context"

	"github.com/initkoa/orgo/records"
)

// RetireKey says that what a key signs counts no more from now on. To retire it
// again changes nothing.
func (c *Client) RetireKey(ctx context.Context, keyID string, request RetireKey) (records.KeyRetirement, error) {
	var retirement records.KeyRetirement
	call, err := post(request, "", "v1", "keys", keyID, "retire")
	if err != nil {
		return retirement, err
	}
	return retirement, c.json(ctx, call, &retirement)
}
