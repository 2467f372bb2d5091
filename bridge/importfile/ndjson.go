package importfile

import (
	"bytes"
	"slices"
	"strings"
)

// ndjsonRows are the rows of an NDJSON file.
type ndjsonRows struct {
	in   *lines
	body []byte // of the last row, before it is copied
}

func (n *ndjsonRows) layout() Layout { return Layout{} }

func (n *ndjsonRows) next() (Row, error) {
	for {
		line, err := n.in.next()
		if err != nil {
			return Row{}, err
		}
		if isBlank(line) {
			continue
		}
		if n.body, err = appendCompact(n.body[:0], line); err != nil {
			return Row{}, fault(n.in.n, "%s", notJSON(line, err))
		}
		if n.body[0] != '{' {
			return Row{}, fault(n.in.n, "%s", notJSON(line, nil))
		}
		return Row{Line: n.in.n, Body: bytes.Clone(withoutReport(n.body))}, nil
	}
}

// notJSON returns what is wrong with a line that is not a JSON object.
func notJSON(line []byte, err error) string {
	starts := func(c string) bool { return bytes.HasPrefix(bytes.TrimSpace(line), []byte(c)) }
	switch {
	case starts("["):
		return "the file is a JSON array. Send one object per line: jq -c '.[]' FILE converts it."
	case !starts("{"):
		return "the line is not a JSON object. Send a CSV file as Content-Type: " + string(CSV) + "."
	case err != nil && strings.Contains(err.Error(), "unexpected end"):
		return "the JSON object does not end on its line. Send one object per line: jq -c . FILE converts the file."
	}
	return "the line is not valid JSON."
}

// withoutReport returns the body in a line of a report, and other objects as they
// are.
func withoutReport(object []byte) []byte {
	if !bytes.Contains(object, []byte(`"row":{`)) {
		return object
	}
	var body []byte
	isReport := eachMember(object, func(name string, value []byte) bool {
		if name == "row" && body == nil && value[0] == '{' {
			body = value
			return true
		}
		return slices.Contains(reportColumns, name)
	})
	if !isReport || body == nil {
		return object
	}
	return body
}
