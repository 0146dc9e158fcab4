package index

import (
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/initkoa/orgo/records"
)

// names are also names of directories: no separator, no leading dot.
var names = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$`)

// maxSequence is the largest integer that JSON numbers hold exactly (RFC 8785 §3.2.2.3).
const maxSequence = 1<<53 - 1

// Check returns nil if all three are names, and an *Error if not.
func (c Channel) Check() error {
	for _, name := range []string{c.Organization, c.Environment, c.Name} {
		if !names.MatchString(name) {
			return fault(Malformed, "", "%q names no organization, environment or channel", name)
		}
	}
	return nil
}

// Check returns nil if the index is whole by itself, and an *Error if not.
func (i Index) Check() error {
	if err := i.Channel.Check(); err != nil {
		return err
	}
	switch {
	case i.Sequence < 1 || i.Sequence > maxSequence || i.After < 0 || i.After >= i.Sequence:
		return fault(Malformed, "", "sequence %d after %d", i.Sequence, i.After)
	case i.PublishedAt.IsZero():
		return fault(Malformed, "", "no published_at")
	case i.MinimumVersion != "" && !exact(i.MinimumVersion):
		return fault(Malformed, "", "minimum version %q is not x.y.z", i.MinimumVersion)
	case !ascending(i.Revoked, records.Digest.String):
		return fault(Malformed, "", "revoked digests are not sorted and distinct")
	case !ascending(i.Cohorts, func(c Cohort) string { return c.Name }):
		return fault(Malformed, "", "cohorts are not sorted and distinct")
	case !ascending(i.Downgrades, func(d Downgrade) string { return d.Cohort }):
		return fault(Malformed, "", "downgrades are not sorted and distinct")
	}
	for _, digest := range i.Revoked {
		if !digest.Valid() {
			return fault(Malformed, "", "revoked digest %q", digest)
		}
	}
	for _, cohort := range i.Cohorts {
		if err := i.checkCohort(cohort); err != nil {
			return err
		}
	}
	for _, downgrade := range i.Downgrades {
		if !downgrade.whole() {
			return fault(Malformed, downgrade.Cohort, "the downgrade authorization is incomplete")
		}
	}
	return sameFacts(i.Cohorts)
}

func (i Index) checkCohort(c Cohort) error {
	switch {
	case !names.MatchString(c.Name):
		return fault(Malformed, c.Name, "not a name")
	case c.Release.ID == "" || c.Release.Number < 1:
		return fault(Malformed, c.Name, "no release")
	case c.Percentage < 0 || c.Percentage > 100:
		return fault(Malformed, c.Name, "percentage %d", c.Percentage)
	case c.Since.IsZero():
		return fault(Malformed, c.Name, "no since")
	case c.Members != nil && !c.Members.Valid():
		return fault(Malformed, c.Name, "members digest %q", c.Members)
	}
	if err := c.Pack.check(c.Name); err != nil {
		return err
	}
	switch {
	case c.Inactive: // it runs nothing that could be revoked or too low
		return nil
	case lower(c.Pack.Version, i.MinimumVersion):
		return fault(BelowMinimum, c.Name, "version %s is below the minimum %s", c.Pack.Version, i.MinimumVersion)
	}
	return i.checkRevoked(c)
}

// checkRevoked refuses a pack of which any part is revoked.
func (i Index) checkRevoked(c Cohort) error {
	digest, err := c.Pack.Digest()
	if err != nil {
		return err
	}
	parts := []records.Digest{digest, c.Pack.Manifest.Digest, c.Pack.Exchange.Digest}
	for _, file := range c.Pack.Files {
		parts = append(parts, file.Ref.Digest)
	}
	for _, part := range parts {
		if slices.Contains(i.Revoked, part) {
			return fault(RevokedPack, c.Name, "%s is revoked", part)
		}
	}
	return nil
}

// Check returns nil if an index may name the pack, as far as the pack by itself
// decides that, and an *Error if not.
func (p Pack) Check() error { return p.check("") }

func (p Pack) check(cohort string) error {
	switch {
	case p.BuildID == "" || p.BuiltAt.IsZero():
		return fault(Malformed, cohort, "the pack has no build or time of build")
	case !exact(p.Version):
		return fault(Malformed, cohort, "version %q is not x.y.z", p.Version)
	case !p.Manifest.Valid() || !p.Exchange.Valid():
		return fault(Malformed, cohort, "the pack has an invalid manifest or exchange")
	case !ascending(p.Files, func(a records.Artifact) string { return a.Path }):
		return fault(Malformed, cohort, "files are not sorted and distinct")
	}
	for _, file := range p.Files {
		if !file.Ref.Valid() || !local(file.Path) {
			return fault(Malformed, cohort, "file %q has an invalid digest or path", file.Path)
		}
	}
	return nil
}

// local reports whether p is a clean slash-separated path that stays below where
// it starts.
func local(p string) bool {
	return p != "" && p != "." && path.Clean(p) == p && !path.IsAbs(p) && p != ".." &&
		!strings.HasPrefix(p, "../") && !strings.ContainsAny(p, "\\\x00")
}

func (d Downgrade) whole() bool {
	return d.From.Valid() && d.To.Valid() && d.Decision.Valid() &&
		d.Cohort != "" && d.Release != "" && d.Reason != "" && d.Actor != ""
}

func ascending[T any](list []T, key func(T) string) bool {
	for n := 1; n < len(list); n++ {
		if key(list[n-1]) >= key(list[n]) {
			return false
		}
	}
	return true
}
