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

// syntaxError is the reason why a text is not one YAML document. line is 0 if
// unknown.
type syntaxError struct {
	line int
	text string
}

// parse returns the root of the one document in text; nil if text has only
// white space and comments.
func parse(text []byte) (*yaml.Node, *syntaxError) {
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	var document, second yaml.Node
	switch err := decoder.Decode(&document); {
	case errors.Is(err, io.EOF):
		return nil, nil
	case err != nil:
		return nil, newSyntaxError(err)
	}
	switch err := decoder.Decode(&second); {
	case err == nil:
		return nil, &syntaxError{second.Line, "begins a second YAML document; keep one, or move the other to a separate file"}
	case !errors.Is(err, io.EOF):
		return nil, newSyntaxError(err)
	}
	return document.Content[0], nil
}

var yamlError = regexp.MustCompile(`^yaml: (?:line (\d+): )?((?s:.*))$`)

// newSyntaxError translates an error of the YAML parser. Of the parser's texts
// only one is not fixed: it quotes an alias, which may be a secret that begins
// with "*".
func newSyntaxError(err error) *syntaxError {
	parts := yamlError.FindStringSubmatch(err.Error())
	if parts == nil {
		return &syntaxError{0, "is not valid YAML"}
	}
	if strings.HasPrefix(parts[2], "unknown anchor") {
		return &syntaxError{0, "is not valid YAML: an alias has no anchor; quote a value that begins with *"}
	}
	line, _ := strconv.Atoi(parts[1])
	return &syntaxError{line, "is not valid YAML near here: " + parts[2]}
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

// at returns "file:line", or only the file if the line is unknown.
func at(file string, line int) string {
	if line == 0 {
		return file
	}
	return file + ":" + strconv.Itoa(line)
}
