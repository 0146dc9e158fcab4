package casehistory

import "github.com/initkoa/orgo/records/cases"

// need is what docs/cases.md says that a transition asks for.
type need string

const (
	nothing    need = ""
	reason     need = "reason"
	resolution need = "resolution"
	approval   need = "approval"
)

// caseMoves are the transitions of a Case: from, to, what it asks for. A state without
// any is terminal.
var caseMoves = map[cases.Status]map[cases.Status]need{
	"OPEN":           {"IN_PROGRESS": nothing, "BLOCKED": reason, "COMPLETED": resolution, "CANCELLED": reason},
	"IN_PROGRESS":    {"BLOCKED": reason, "COMPLETED": resolution, "WAITING_REVIEW": resolution, "CANCELLED": reason, "FAILED": reason},
	"BLOCKED":        {"IN_PROGRESS": nothing, "CANCELLED": reason, "FAILED": reason},
	"WAITING_REVIEW": {"COMPLETED": approval, "IN_PROGRESS": reason, "CANCELLED": reason, "FAILED": reason},
	"COMPLETED":      {}, "CANCELLED": {}, "FAILED": {},
}

// taskMoves are those of a Task.
var taskMoves = map[cases.TaskStatus]map[cases.TaskStatus]need{
	"PENDING":     {"IN_PROGRESS": nothing, "ON_HOLD": reason, "COMPLETED": resolution, "CANCELLED": reason},
	"IN_PROGRESS": {"ON_HOLD": reason, "COMPLETED": resolution, "FAILED": reason, "CANCELLED": reason},
	"ON_HOLD":     {"IN_PROGRESS": nothing, "FAILED": reason, "CANCELLED": reason},
	"ESCALATED":   {"IN_PROGRESS": nothing, "ON_HOLD": reason, "COMPLETED": resolution, "FAILED": reason, "CANCELLED": reason},
	"COMPLETED":   {}, "FAILED": {}, "CANCELLED": {},
}

func ended(s cases.Status) bool         { return len(caseMoves[s]) == 0 }
func endedTask(s cases.TaskStatus) bool { return len(taskMoves[s]) == 0 }
