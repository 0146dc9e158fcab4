package records

// Recipe returns the identity of everything that shapes a build's artifacts:
// the pins of its stages, its contract set, its source date and its snapshot.
// Who asked for the build, when, where its stages run, how often they may be
// tried and which policy judges them do not shape artifacts and are left out.
func Recipe(pins Pins, snapshot Digest) (Digest, error) {
	type pinned struct {
		Stage  Stage  `json:"stage"`
		Digest Digest `json:"digest"`
	}
	recipe := struct {
		Contracts  Digest   `json:"contracts"`
		SourceDate string   `json:"source_date"`
		Stages     []pinned `json:"stages"`
		Snapshot   Digest   `json:"snapshot"`
	}{Contracts: pins.Contracts.Digest, SourceDate: pins.SourceDate.UTC().Format(DateFormat), Snapshot: snapshot}
	for _, stage := range pins.Stages {
		recipe.Stages = append(recipe.Stages, pinned{stage.Stage, stage.Digest})
	}
	return CanonicalDigest(recipe)
}

// DateFormat is RFC 3339 in UTC with whole seconds, the form of every time that
// an artifact carries.
const DateFormat = "2006-01-02T15:04:05Z"
