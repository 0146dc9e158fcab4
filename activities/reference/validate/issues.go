package validate

import (
	"cmp"
	"slices"
)

// issue is one issue of the report, in the form of its schema.
type issue struct {
	Severity Severity       `json:"severity"`
	Code     Code           `json:"code"`
	Message  string         `json:"message"`
	Location *location      `json:"location,omitempty"`
	Details  map[string]any `json:"details,omitempty"`
}

// location is where an issue is. The pointer is into the document that the
// details name.
type location struct {
	JSONPointer string `json:"json_pointer,omitempty"`
	EntityID    string `json:"entity_id,omitempty"`
	ClaimID     string `json:"claim_id,omitempty"`
}

// place orders the issues of a code: by line of the resolved documents, then by
// position in the line.
type place struct{ line, position int64 }

func (p place) compare(other place) int {
	return cmp.Or(cmp.Compare(p.line, other.line), cmp.Compare(p.position, other.position))
}

// collector counts all issues and keeps the first of each code, by place, so
// that its memory is bounded however many there are.
type collector struct {
	config Config
	counts map[Code]int64
	kept   map[Code]*firstIssues
}

func newCollector(config Config) *collector {
	return &collector{config: config, counts: map[Code]int64{}, kept: map[Code]*firstIssues{}}
}

// on reports whether issues of code are wanted, so that costly checks can be
// left out.
func (c *collector) on(code Code) bool { return c.config.severity(code) != Off }

// add counts an issue and keeps it if it is among the first. build makes it,
// and is only called then.
func (c *collector) add(code Code, at place, build func() issue) {
	if !c.on(code) {
		return
	}
	c.counts[code]++
	kept := c.kept[code]
	if kept == nil {
		kept = &firstIssues{limit: c.config.MaxIssues}
		c.kept[code] = kept
	}
	if !kept.wants(at) {
		return
	}
	one := build()
	one.Code, one.Severity = code, c.config.severity(code)
	kept.add(at, one)
}

// severities returns how many issues there are of each severity.
func (c *collector) severities() map[Severity]int64 {
	counts := map[Severity]int64{}
	for code, count := range c.counts {
		counts[c.config.severity(code)] += count
	}
	return counts
}

// list returns the first issues, sorted by severity, code and place.
func (c *collector) list() []issue {
	codes := sortedKeys(c.kept)
	slices.SortStableFunc(codes, func(a, b Code) int {
		return cmp.Compare(gravity[c.config.severity(a)], gravity[c.config.severity(b)])
	})
	list := []issue{}
	for _, code := range codes {
		list = append(list, c.kept[code].sorted()...)
	}
	return list[:min(len(list), c.config.MaxIssues)]
}

// firstIssues keeps the first issues of one code. They may come in any order.
type firstIssues struct {
	limit  int
	issues []placed
	worst  *place // of the last one kept, once there are enough
}

type placed struct {
	place
	issue issue
}

func (f *firstIssues) wants(at place) bool { return f.worst == nil || at.compare(*f.worst) < 0 }

func (f *firstIssues) add(at place, one issue) {
	f.issues = append(f.issues, placed{at, one})
	if len(f.issues) >= 2*f.limit {
		f.trim()
	}
}

func (f *firstIssues) trim() {
	slices.SortStableFunc(f.issues, func(a, b placed) int { return a.compare(b.place) })
	if len(f.issues) >= f.limit {
		clear(f.issues[f.limit:])
		f.issues = f.issues[:f.limit]
		worst := f.issues[f.limit-1].place
		f.worst = &worst
	}
}

func (f *firstIssues) sorted() []issue {
	f.trim()
	list := make([]issue, len(f.issues))
	for i, p := range f.issues {
		list[i] = p.issue
	}
	return list
}
