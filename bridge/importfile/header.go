package importfile

import (
	"fmt"
	"slices"
	"strings"
)

const tooManyColumns = "there are more than 256 columns, the maximum."

// firstLine says what the first line must be.
const firstLine = "The first line must name the columns, such as: email,traits.name.first,traits.name.last"

// header is what the first line says about the cells below it.
type header struct {
	columns []column // one per cell
	body    node     // the body that the cells become
	whole   int      // the column of whole bodies; -1: none
}

// node is a member of the body, or the body itself.
type node struct {
	name    string
	key     string  // the name as JSON, and a colon
	column  int     // whose cells are the values; -1: the value is an object
	members []*node // of an object, in the order of the file
}

// newHeader compiles the names of the columns on a line.
//
// Errors: bridge.ErrImportInvalid.
func newHeader(names []string, line int) (*header, error) {
	h := &header{body: node{column: -1}, whole: -1}
	if text := notNames(names); text != "" {
		return nil, fault(line, "%s", text)
	}
	var strangers []string
	for _, name := range names {
		c, text := parseColumn(name)
		switch {
		case text != "":
			return nil, fault(line, "%s", text).WithDetails("column", c.name)
		case c.kind == unknown:
			strangers = append(strangers, c.name)
		}
		h.columns = append(h.columns, c)
	}
	if len(strangers) > 0 {
		return nil, fault(line, "%s", describeUnknown(strangers)).WithDetails("columns", strangers)
	}
	for i, c := range h.columns {
		if text := h.add(i, c); text != "" {
			return nil, fault(line, "%s", text).WithDetails("column", c.name)
		}
	}
	if len(h.names()) > maxColumns {
		return nil, fault(line, tooManyColumns)
	}
	if h.whole < 0 && h.body.member("email") == nil && h.body.member("identity_id") == nil {
		return nil, fault(line, "no column is named email. %s", firstLine)
	}
	return h, nil
}

// notNames recognizes a first line that is not one of column names.
func notNames(names []string) string {
	first := trimName(names[0])
	isAddress := func(name string) bool {
		c, wrong := parseColumn(name)
		return strings.Contains(name, "@") && (wrong != "" || c.kind == unknown)
	}
	switch {
	case len(names) > maxCells:
		return tooManyColumns
	case slices.ContainsFunc(names, func(name string) bool { return len(name) > maxName }):
		return fmt.Sprintf("a name of a column is longer than %d bytes.", maxName)
	case slices.ContainsFunc(names, func(name string) bool { return strings.Contains(name, "\r") }):
		return carriageReturns
	case slices.ContainsFunc(names, isAddress):
		return "there is an email address instead of the names of the columns. " + firstLine
	case len(names) == 1 && strings.Contains(first, "|"):
		return "columns must be separated by commas, semicolons or tabs."
	}
	return ""
}

// add adds a column to the body, and returns what is wrong with it beside the
// columns before it.
func (h *header) add(i int, c column) (wrong string) {
	switch c.kind {
	case ignored, unnamed:
		earlier := func(e column) bool { return e.name == c.name }
		if c.kind == ignored && slices.ContainsFunc(h.columns[:i], earlier) {
			return "two columns are named " + quote(c.name) + "."
		}
		return ""
	case rowCell:
		if h.whole >= 0 {
			return "two columns are named " + quote(c.name) + "."
		}
		h.whole = i
		return ""
	case unknown, text, boolean, jsonCell:
	}
	n := &h.body
	for _, name := range c.path {
		if n.column >= 0 {
			return h.conflict(i, n.column)
		}
		next := n.member(name)
		if next == nil {
			next = &node{name: name, key: string(append(appendText(nil, name), ':')), column: -1}
			n.members = append(n.members, next)
		}
		n = next
	}
	switch {
	case n.column >= 0:
		return h.conflict(i, n.column)
	case len(n.members) > 0:
		return h.conflict(i, n.anyColumn())
	}
	n.column = i
	return ""
}

func (h *header) conflict(i, j int) string {
	a, b := h.columns[i].name, h.columns[j].name
	if a == b {
		return "two columns are named " + quote(a) + "."
	}
	return "the columns " + quote(b) + " and " + quote(a) + " conflict: both set the same value. Remove one."
}

func (n *node) member(name string) *node {
	for _, m := range n.members {
		if m.name == name {
			return m
		}
	}
	return nil
}

// anyColumn returns a column below an object.
func (n *node) anyColumn() int {
	for n.column < 0 {
		n = n.members[0]
	}
	return n.column
}

// names returns the canonical names of the columns of bodies.
func (h *header) names() []string {
	var names []string
	for _, c := range h.columns {
		if c.kind == text || c.kind == boolean || c.kind == jsonCell {
			names = append(names, c.name)
		}
	}
	return names
}
