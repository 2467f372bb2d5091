package webhook

import (
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/google/go-jsonnet"
	"github.com/google/go-jsonnet/ast"
	"github.com/google/go-jsonnet/toolutils"
)

const (
	maxTemplate = 1 << 20 // bytes of source
	// templateName is the file name in error traces; no such file is read.
	templateName = "body.jsonnet"
	argument     = "ctx"
)

// template is a Jsonnet function(ctx) from a payload to a request body.
type template struct {
	root  ast.Node // with limitCalls; evaluations share it and do not change it
	hints []string // about names of Kratos templates that the source uses
	// slots bounds concurrent evaluations. One that has timed out keeps its slot
	// until it has really ended.
	slots chan struct{}
}

// loadTemplate reads and compiles a template. Its errors quote no source: a
// template may contain a secret.
func loadTemplate(location string) (*template, error) {
	source, err := readTemplate(location)
	if err != nil {
		return nil, err
	}
	root, err := jsonnet.SnippetToAST(templateName, source)
	if err != nil {
		return nil, fmt.Errorf("is not valid Jsonnet%s", place(err))
	}
	if imports(root) {
		return nil, errors.New("must not import anything")
	}
	if !takesContext(root) {
		return nil, errors.New("must be a function(ctx)")
	}
	t := &template{root: root, hints: hints(root), slots: make(chan struct{}, maxEvaluations)}
	limitCalls(root, make(map[ast.Node]bool))
	return t, nil
}

func readTemplate(location string) (string, error) {
	if path, ok := strings.CutPrefix(location, "file://"); ok {
		file, err := os.Open(path)
		if err != nil {
			return "", fmt.Errorf("cannot be read: %w", err)
		}
		defer func() { _ = file.Close() }()
		source, err := io.ReadAll(io.LimitReader(file, maxTemplate+1))
		switch {
		case err != nil:
			return "", fmt.Errorf("cannot be read: %w", err)
		case len(source) > maxTemplate:
			return "", fmt.Errorf("is longer than %d bytes", maxTemplate)
		}
		return string(source), nil
	}
	if text, ok := strings.CutPrefix(location, "base64://"); ok {
		source, err := base64.StdEncoding.DecodeString(text)
		if err != nil {
			return "", errors.New("is not base64 after base64://")
		}
		return string(source), nil
	}
	return "", errors.New("must begin with file:// or base64://")
}

// place returns the position of an error in a template, if it is known.
func place(err error) string {
	var static interface{ Loc() ast.LocationRange }
	if !errors.As(err, &static) {
		return ""
	}
	at := static.Loc()
	if !at.IsSet() {
		return ""
	}
	return fmt.Sprintf(": see line %d, column %d", at.Begin.Line, at.Begin.Column)
}

// imports reports whether a program imports anything.
func imports(node ast.Node) bool {
	switch node.(type) {
	case *ast.Import, *ast.ImportStr, *ast.ImportBin:
		return true
	}
	for _, child := range toolutils.Children(node) {
		if imports(child) {
			return true
		}
	}
	return false
}

// hints returns a hint for each name of Kratos templates that a program reads, in
// the order of the program.
func hints(root ast.Node) (texts []string) {
	var walk func(ast.Node)
	walk = func(node ast.Node) {
		if index, ok := node.(*ast.Index); ok {
			target, isVar := index.Target.(*ast.Var)
			field, isText := index.Index.(*ast.LiteralString)
			if isVar && isText {
				name := string(target.Id) + "." + field.Value
				if hint := kratosHint(name); kratosNames[name] != "" && !slices.Contains(texts, hint) {
					texts = append(texts, hint)
				}
			}
		}
		for _, child := range toolutils.Children(node) {
			walk(child)
		}
	}
	walk(root)
	return texts
}

// takesContext reports whether a program is a function that can be called with
// ctx alone. Locals may precede it.
func takesContext(node ast.Node) bool {
	for {
		local, ok := node.(*ast.Local)
		if !ok {
			break
		}
		node = local.Body
	}
	function, ok := node.(*ast.Function)
	if !ok {
		return false
	}
	found := false
	for _, parameter := range function.Parameters {
		switch {
		case parameter.Name == argument:
			found = true
		case parameter.DefaultArg == nil:
			return false
		}
	}
	return found
}
