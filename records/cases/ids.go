package cases

import "github.com/initkoa/orgo/records"

// SubjectCase is the subject kind of everything that belongs to a Case.
const SubjectCase = "case"

// ID returns the id of the Case of a number that a cause has in an organization,
// counted from 1: whoever opens it, and however often, it is the same.
func ID(organization string, cause Cause, ordinal int) string {
	return records.CaseID(organization, cause.Kind, cause.ID, ordinal)
}

// TaskID returns the id of the Task of a key in a Case.
func TaskID(caseID, key string) string { return records.TaskID(caseID, key) }

// Subject returns the subject of what happens to a Case.
func Subject(caseID string) records.Subject { return records.Subject{Kind: SubjectCase, ID: caseID} }
