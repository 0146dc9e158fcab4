package records

import (
	"fmt"
	"regexp"
	"strings"
)

// Subject kinds of releases and channels. The subject id of a channel is
// ChannelID's.
const (
	SubjectRelease = "release"
	SubjectChannel = "channel"
)

// ChannelName names a channel of an organization: where a pack goes.
type ChannelName struct {
	Environment string `json:"environment"`
	Name        string `json:"channel"`
}

// channelPart is what an environment or a channel may be called: names are also
// names of directories.
var channelPart = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`)

// ParseChannelName reads "environment/channel".
func ParseChannelName(text string) (ChannelName, error) {
	environment, name, _ := strings.Cut(text, "/")
	c := ChannelName{Environment: environment, Name: name}
	if !c.Valid() {
		return ChannelName{}, fmt.Errorf("%q is not environment/channel, each of letters, digits, dot, dash and underscore", text)
	}
	return c, nil
}

// Valid reports whether both parts are names.
func (c ChannelName) Valid() bool {
	return channelPart.MatchString(c.Environment) && channelPart.MatchString(c.Name)
}

// String returns "environment/channel".
func (c ChannelName) String() string { return c.Environment + "/" + c.Name }

// ChannelID returns the id of a channel of an organization.
func ChannelID(organization string, c ChannelName) string {
	return deriveID("channel", organization, c.Environment, c.Name)
}

// ReleaseID returns the id of the release that an idempotency key names in an
// organization.
func ReleaseID(organization, idempotencyKey string) string {
	return deriveID("release", organization, idempotencyKey)
}

// ReleaseSubject returns the subject of what happens to a release.
func ReleaseSubject(id string) Subject { return Subject{Kind: SubjectRelease, ID: id} }

// ChannelSubject returns the subject of what happens to a channel.
func ChannelSubject(organization string, c ChannelName) Subject {
	return Subject{Kind: SubjectChannel, ID: ChannelID(organization, c)}
}
