package render

import "github.com/initkoa/orgo/activities/reference/document"

// maxNames bounds the names that are kept, in bytes. A pack with more shows things
// beyond it, in the order of the dictionaries, by their ids alone.
const maxNames = 32 << 20

// nameOverhead is, roughly, what keeping a name takes beside its text, in bytes.
const nameOverhead = 64

// names knows what things are called.
type names struct {
	room int
	of   map[string]string
}

func newNames(room int) *names { return &names{room: room, of: map[string]string{}} }

// add keeps the name of a thing, if there is room for it and for all before.
func (n *names) add(t thingRow) {
	if len(t.Labels) == 0 || n.room <= 0 {
		return
	}
	name := document.Excerpt(t.name())
	if n.room -= len(t.ID) + len(name) + nameOverhead; n.room > 0 {
		n.of[t.ID] = name
	}
}

// show returns the name of a thing, and its id, as Markdown.
func (n *names) show(id string) string {
	if name, known := n.of[id]; known {
		return escape(name) + " (" + escape(id) + ")"
	}
	return escape(id)
}
