package extract

// record is one record of a file, whatever its format: a row, an object, a
// Markdown file. It becomes one document.
type record struct {
	at     string   // fragment in the file: "#row=7"; empty for the whole file
	place  position // the same, for problems
	fields []field  // in the order of the file
	inner  []*record
}

// field is one scalar of a record. A list gives several fields of one name.
type field struct {
	name  string // never empty; members of nested objects are joined by dots
	at    string // fragment in the file
	value value
}
