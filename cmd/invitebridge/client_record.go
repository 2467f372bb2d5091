package main

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode"

	"invitebridge/bridge"
)

// record is a JSON object with its members in order.
type record []member

type member struct {
	name  string
	value json.RawMessage
}

func newRecord(item any) (record, error) {
	text, err := json.Marshal(item)
	if err != nil {
		return nil, err
	}
	return parseRecord(text)
}

func parseRecord(text []byte) (r record, err error) {
	d := json.NewDecoder(bytes.NewReader(text))
	if begin, err := d.Token(); err != nil || begin != json.Delim('{') {
		return nil, errors.Join(errors.New("a result is not a JSON object"), err)
	}
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return nil, err
		}
		m := member{name: fmt.Sprint(name)}
		if err := d.Decode(&m.value); err != nil {
			return nil, err
		}
		r = append(r, m)
	}
	return r, nil
}

const none = "<none>" // as Kratos writes it

// omitted are the values of members that the API leaves out if they have this value.
var omitted = map[string]string{"dry_run": "false"}

// text returns a member as a table cell. The name may be a path such as counts.failed.
func (r record) text(name string) string {
	outer, inner, isPath := strings.Cut(name, ".")
	for _, m := range r {
		if m.name == name {
			return m.text()
		}
		if isPath && m.name == outer {
			if object, err := parseRecord(m.value); err == nil {
				return object.text(inner)
			}
		}
	}
	return cmp.Or(omitted[name], none)
}

func (m member) text() string {
	var text string
	var texts []string
	var creator bridge.Creator
	if m.name == "created_by" && json.Unmarshal(m.value, &creator) == nil {
		return printable(creator.String())
	}
	if json.Unmarshal(m.value, &texts) == nil && len(texts) > 0 {
		return printable(strings.Join(texts, ","))
	}
	if json.Unmarshal(m.value, &text) != nil {
		return printable(string(m.value)) // not a string, such as a number
	}
	if at, err := time.Parse(time.RFC3339Nano, text); err == nil && (m.name == "at" || strings.HasSuffix(m.name, "_at")) {
		return at.Format(time.RFC3339) // without fractions of a second
	}
	return printable(text)
}

// list returns the records in a member, if it is a list of objects.
func (m member) list() (rows []record, ok bool) {
	var items []json.RawMessage
	if json.Unmarshal(m.value, &items) != nil {
		return nil, false
	}
	for _, item := range items {
		row, err := parseRecord(item)
		if err != nil {
			return nil, false
		}
		rows = append(rows, row)
	}
	return rows, true
}

// numbers returns the members of an object that has numbers only, such as counts.
func (m member) numbers() (counts record, ok bool) {
	counts, err := parseRecord(m.value)
	for _, n := range counts {
		ok = json.Unmarshal(n.value, new(float64)) == nil
		if !ok {
			return nil, false
		}
	}
	return counts, ok && err == nil
}

// printableLines applies printable to each line.
func printableLines(text string) string {
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		lines[i] = printable(line)
	}
	return strings.Join(lines, "\n")
}

// printable escapes characters that a terminal would interpret or hide.
func printable(text string) string {
	var out strings.Builder
	for _, r := range text {
		if unicode.IsPrint(r) {
			out.WriteRune(r)
		} else {
			fmt.Fprintf(&out, "\\u%04x", r)
		}
	}
	return out.String()
}
