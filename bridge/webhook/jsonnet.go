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

// Limits of one evaluation. An ordinary template makes some dozens of calls and
// takes milliseconds.
const (
	maxEvaluations = 4 // concurrent ones of one template
	templateTime   = time.Second
	maxCalls       = 5_000
	maxStack       = 500
	maxBody        = 256 << 10 // bytes
)

// Outcomes of an evaluation without a body. Operators read the texts.
var (
	errCanceled     = errors.New("the body template canceled the request")
	errSlowTemplate = errors.New("the body template took too long")
	errLongBody     = errors.New("the body template produced more than 256 KiB")
	errManyCalls    = errors.New("the body template called too many functions")
	errTemplate     = errors.New("the body template failed")
	errPayload      = errors.New("the event cannot be encoded as JSON")
)

// render evaluates the template within templateTime.
func (t *template) render(ctx context.Context, payload []byte) ([]byte, error) {
	return t.renderWithin(ctx, payload, templateTime)
}

// renderWithin evaluates the template in a VM of its own. Jsonnet's own errors are
// not returned, because they quote values.
//
// Errors: errSlowTemplate soon after limit has passed or ctx has ended; the other
// errors above, which occur again for the same payload.
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
		body, err := evaluate(ctx, t.root, payload)
		done <- result{body, err}
	}()
	select {
	case r := <-done:
		return r.body, r.err
	case <-ctx.Done():
		return nil, errSlowTemplate
	}
}

func evaluate(ctx context.Context, root ast.Node, payload []byte) ([]byte, error) {
	calls := 0
	vm := jsonnet.MakeVM()
	vm.MaxStack = maxStack
	vm.Importer(&jsonnet.MemoryImporter{})
	vm.SetTraceOut(io.Discard) // std.trace would print the payload
	vm.NativeFunction(&jsonnet.NativeFunction{Name: limitCallsName, Func: func([]any) (any, error) {
		if calls++; calls > maxCalls {
			return nil, errManyCalls
		}
		return true, ctx.Err()
	}})
	vm.NativeFunction(&jsonnet.NativeFunction{Name: payloadName, Func: func([]any) (any, error) {
		var decoded any
		err := json.Unmarshal(payload, &decoded)
		return decoded, err
	}})
	vm.TLANode(argument, payloadNode)
	output, err := vm.Evaluate(root)
	var raised jsonnet.RuntimeError
	switch {
	case err == nil:
	case ctx.Err() != nil:
		return nil, errSlowTemplate
	case calls > maxCalls:
		return nil, errManyCalls
	case errors.As(err, &raised) && raised.Msg == "cancel":
		return nil, errCanceled
	case errors.As(err, &raised) && strings.HasPrefix(raised.Msg, "Field does not exist"):
		return nil, fmt.Errorf("%w%s: it reads a field that does not exist", errTemplate, line(err))
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

// payloadNode is a program that returns the payload: decoding its JSON is faster
// than parsing it as Jsonnet.
const payloadName = "payload"

var payloadNode = func() ast.Node {
	node, err := jsonnet.SnippetToAST(payloadName, `std.native("`+payloadName+`")()`)
	if err != nil {
		panic(err) // the program is a constant
	}
	return node
}()

// line returns the line of the template at which an error was raised, if it is
// known.
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

const limitCallsName = "meter"

// limitCalls rewrites a program so that every call of one of its functions first
// calls std.native(limitCallsName). The interpreter cannot be stopped in any other
// way, and a program without function calls cannot run forever.
//
// The name $std is the one that the library's own rewriting uses. It is available
// everywhere and cannot be redefined. Closures capture only the variables they
// are known to use, so $std is added to those of each node.
func limitCalls(node ast.Node, seen map[ast.Node]bool) {
	if seen[node] {
		return
	}
	seen[node] = true
	for _, child := range toolutils.Children(node) {
		limitCalls(child, seen)
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
	native.Arguments.Positional = []ast.CommaSeparatedExpr{{Expr: literal(limitCallsName)}}
	body := ast.NewNodeBase(*function.Body.Loc(), nil, function.Body.FreeVariables())
	function.Body = &ast.Conditional{
		NodeBase:    body,
		Cond:        &ast.Apply{NodeBase: uses(), Target: native},
		BranchTrue:  function.Body,
		BranchFalse: &ast.LiteralNull{NodeBase: ast.NewNodeBaseLoc(*node.Loc(), nil)},
	}
}
