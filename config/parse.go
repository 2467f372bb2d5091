package config

import (
	"bytes"
	"errors"
	"io"
	"regexp"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// flaw is why a text is not one YAML document. Its line is 0 if unknown.
type flaw struct {
	line int
	text string
}

// parse returns the root of the one document in text, or nil if there is
// nothing but white space and comments.
func parse(text []byte) (*yaml.Node, *flaw) {
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	var document, second yaml.Node
	switch err := decoder.Decode(&document); {
	case errors.Is(err, io.EOF):
		return nil, nil
	case err != nil:
		return nil, syntaxFlaw(err)
	}
	switch err := decoder.Decode(&second); {
	case err == nil:
		return nil, &flaw{second.Line, "begins a second YAML document; keep one, or put the other into a file of its own"}
	case !errors.Is(err, io.EOF):
		return nil, syntaxFlaw(err)
	}
	return document.Content[0], nil
}

var yamlError = regexp.MustCompile(`^yaml: (?:line (\d+): )?((?s:.*))$`)

// syntaxFlaw translates an error of the YAML parser. The parser's texts are
// fixed but for one, which quotes what may be a secret that begins with "*".
func syntaxFlaw(err error) *flaw {
	parts := yamlError.FindStringSubmatch(err.Error())
	if parts == nil {
		return &flaw{0, "is not valid YAML"}
	}
	if strings.HasPrefix(parts[2], "unknown anchor") {
		return &flaw{0, "is not valid YAML: an alias has no anchor; put quotes around a value that begins with *"}
	}
	line, _ := strconv.Atoi(parts[1])
	return &flaw{line, "is not valid YAML near here: " + parts[2]}
}

// source is a file, which has lines, or an environment variable.
type source struct {
	name  string
	lines bool
}

func (s source) at(node *yaml.Node) string {
	if !s.lines {
		return s.name
	}
	return at(s.name, node.Line)
}

// at is "file:line", or only the file if the line is unknown.
func at(file string, line int) string {
	if line == 0 {
		return file
	}
	return file + ":" + strconv.Itoa(line)
}
