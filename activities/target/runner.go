package target

import "github.com/initkoa/orgo/records"

// DirectoryVersion is the version of what a Directory does: it changes with what it
// writes, or proves.
const DirectoryVersion = "1.0.0"

// Runner says what the target is.
func (d *Directory) Runner() records.RunnerSettings {
	return records.RunnerSettings{Kind: records.RunnerTarget, Version: DirectoryVersion, Target: &records.TargetRunner{Name: "directory"}}
}
