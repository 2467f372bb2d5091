package webhook

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/google/go-jsonnet"
	"github.com/google/go-jsonnet/ast"
	"github.com/google/go-jsonnet/toolutils"
)

// What one evaluation may cost. An ordinary template makes some dozens of calls
// and takes milliseconds.
const (
	maxEvaluations = 4 // of one template at once
	templateTime   = time.Second
	maxCalls       = 5_000
	maxStack       = 500
	maxBody        = 256 << 10 // bytes
)

// What may come of an evaluation but a body. The texts are fit for operators.
var (
	errCancelled    = errors.New("the body template cancelled the request")
	errSlowTemplate = errors.New("the body template took too long")
	errLongBody     = errors.New("the body template made more than 256 KiB")
	errManyCalls    = errors.New("the body template called too many functions")
	errTemplate     = errors.New("the body template failed")
	errPayload      = errors.New("the event has no JSON form")
)

// render evaluates the template within templateTime.
func (t *template) render(ctx context.Context, payload []byte) ([]byte, error) {
	return t.renderWithin(ctx, payload, templateTime)
}

// renderWithin evaluates the template, in a VM of its own. It returns soon after
// the limit, or when ctx has ended: then with errSlowTemplate. The other
// errors are those above, and will come again for the same payload. Jsonnet's
// own errors are not passed on, as they quote values.
func (t *template) renderWithin(ctx context.Context, payload []byte, limit time.Duration) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	select {
	case t.slots <- struct{}{}:
	case <-ctx.Done():
		return nil, errSlowTemplate
	}
	type result struct {
		body []byte
		err  error
	}
	done := make(chan result, 1)
	go func() {
		defer func() { <-t.slots }()
		body, err := evaluate(ctx, t.source, payload)
		done <- result{body, err}
	}()
	select {
	case r := <-done:
		return r.body, r.err
	case <-ctx.Done():
		return nil, errSlowTemplate
	}
}

func evaluate(ctx context.Context, source string, payload []byte) ([]byte, error) {
	root, err := jsonnet.SnippetToAST(templateName, source)
	if err != nil {
		return nil, errTemplate
	}
	meter(root, make(map[ast.Node]bool))
	calls := 0
	vm := jsonnet.MakeVM()
	vm.MaxStack = maxStack
	vm.Importer(&jsonnet.MemoryImporter{})
	vm.SetTraceOut(io.Discard) // std.trace would print the payload
	vm.NativeFunction(&jsonnet.NativeFunction{Name: meterName, Func: func([]any) (any, error) {
		if calls++; calls > maxCalls {
			return nil, errManyCalls
		}
		return true, ctx.Err()
	}})
	vm.TLACode(argument, string(payload)) // JSON is Jsonnet
	output, err := vm.Evaluate(root)
	var raised jsonnet.RuntimeError
	switch {
	case err == nil:
	case ctx.Err() != nil:
		return nil, errSlowTemplate
	case calls > maxCalls:
		return nil, errManyCalls
	case errors.As(err, &raised) && raised.Msg == "cancel":
		return nil, errCancelled
	case errors.As(err, &raised) && strings.HasPrefix(raised.Msg, "Field does not exist"):
		return nil, fmt.Errorf("%w%s: it reads a field that is not there", errTemplate, line(err))
	default:
		return nil, fmt.Errorf("%w%s", errTemplate, line(err))
	}
	if len(output) > maxBody {
		return nil, errLongBody
	}
	var compact bytes.Buffer
	if json.Compact(&compact, []byte(output)) != nil {
		return nil, errTemplate
	}
	return compact.Bytes(), nil
}

// line says where in the template an error was raised, if that is known.
func line(err error) string {
	var raised jsonnet.RuntimeError
	if !errors.As(err, &raised) {
		return ""
	}
	for i := len(raised.StackTrace) - 1; i >= 0; i-- {
		if at := raised.StackTrace[i].Loc; at.FileName == templateName && at.IsSet() {
			return fmt.Sprintf(" at line %d", at.Begin.Line)
		}
	}
	return ""
}

const meterName = "meter"

// meter changes a program so that every call of one of its functions first
// calls std.native(meterName). The interpreter knows no other way to be
// stopped, and nothing can run without end that does not call functions.
//
// The name $std is the one that the library's own rewriting uses. It is free
// everywhere and cannot be redefined; but closures capture only the variables
// they are known to use, so each node is told that it uses this one.
func meter(node ast.Node, seen map[ast.Node]bool) {
	if seen[node] {
		return
	}
	seen[node] = true
	for _, child := range toolutils.Children(node) {
		meter(child, seen)
	}
	node.SetFreeVariables(slices.Concat(node.FreeVariables(), ast.Identifiers{"$std"}))
	function, ok := node.(*ast.Function)
	if !ok {
		return
	}
	uses := func() ast.NodeBase {
		return ast.NewNodeBase(*node.Loc(), nil, ast.Identifiers{"$std"})
	}
	literal := func(text string) ast.Node {
		return &ast.LiteralString{NodeBase: ast.NewNodeBaseLoc(*node.Loc(), nil), Value: text, Kind: ast.StringDouble}
	}
	native := &ast.Apply{
		NodeBase: uses(),
		Target:   &ast.Index{NodeBase: uses(), Target: &ast.Var{NodeBase: uses(), Id: "$std"}, Index: literal("native")},
	}
	native.Arguments.Positional = []ast.CommaSeparatedExpr{{Expr: literal(meterName)}}
	body := ast.NewNodeBase(*function.Body.Loc(), nil, function.Body.FreeVariables())
	function.Body = &ast.Conditional{
		NodeBase:    body,
		Cond:        &ast.Apply{NodeBase: uses(), Target: native},
		BranchTrue:  function.Body,
		BranchFalse: &ast.LiteralNull{NodeBase: ast.NewNodeBaseLoc(*node.Loc(), nil)},
	}
}
