package importfile

import (
	"bytes"
	"encoding/json"
	"strings"
)

// rowReader turns the cells of a row into a body.
type rowReader struct {
	header *header
	cells  []string
	wrong  string // what is wrong with a cell, and what to write there
	at     int    // that cell, the first of its kind
}

// object appends an object, and reports whether it has members.
func (r *rowReader) object(dst []byte, n *node) (_ []byte, has bool) {
	dst = append(dst, '{')
	for _, m := range n.members {
		before := len(dst)
		if has {
			dst = append(dst, ',')
		}
		dst = append(dst, m.key...)
		var present bool
		if m.column < 0 {
			dst, present = r.object(dst, m)
		} else {
			dst, present = r.value(dst, m.column)
		}
		if !present {
			dst = dst[:before]
		}
		has = has || present
	}
	return append(dst, '}'), has
}

// value appends the value of a cell, and reports whether it has one. A cell that is not
// what its column must be becomes a text.
func (r *rowReader) value(dst []byte, i int) (_ []byte, present bool) {
	if i >= len(r.cells) || r.cells[i] == "" {
		return dst, false
	}
	cell := unescape(r.cells[i])
	switch r.header.columns[i].kind {
	case text:
		return appendText(dst, cell), true
	case boolean:
		switch word := strings.TrimSpace(cell); {
		case word == "":
			return dst, false
		case strings.EqualFold(word, "true"):
			return append(dst, "true"...), true
		case strings.EqualFold(word, "false"):
			return append(dst, "false"...), true
		}
		r.fail(i, "the value is neither true nor false. Write one of these, or leave the cell empty.")
	default:
		if isBlank(cell) {
			return dst, false
		}
		compact, err := appendCompact(dst, []byte(cell))
		if err == nil {
			return compact, true
		}
		r.fail(i, `the value is not JSON. Write JSON, such as 7 or "text", or leave the cell empty. In CSV, quotation marks within a cell are doubled.`)
	}
	return appendText(dst, cell), true
}

// whole appends the body in row:json, and returns what is wrong with it.
func (r *rowReader) whole(dst []byte) (body []byte, wrong string) {
	body, err := appendCompact(dst, []byte(unescape(r.cells[r.header.whole])))
	if err != nil || !bytes.HasPrefix(body[len(dst):], []byte("{")) {
		wrong = "the value of row:json is not a JSON object."
	}
	return body, wrong
}

func (r *rowReader) fail(i int, wrong string) {
	if r.wrong == "" {
		r.wrong, r.at = wrong, i
	}
}

// appendCompact appends JSON without insignificant blanks.
func appendCompact(dst, src []byte) ([]byte, error) {
	b := bytes.NewBuffer(dst)
	err := json.Compact(b, src)
	return b.Bytes(), err
}
