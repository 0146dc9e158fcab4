package artifacts

import (
	"context"
	"fmt"

	"gocloud.dev/gcerrors"

	"github.com/initkoa/orgo/records"
)

// Delete removes content for good. It is for the erasure of personal data alone;
// content that is not there is gone already.
func (s *Store) Delete(ctx context.Context, ref records.Ref) error {
	if err := s.bucket.Delete(ctx, key(ref.Digest)); err != nil && gcerrors.Code(err) != gcerrors.NotFound {
		return fmt.Errorf("delete artifact %s: %w", ref.Digest, err)
	}
	return nil
}
