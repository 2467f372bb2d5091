package httpapi_test

import (
	"bytes"
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/go-chi/chi/v5"
	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"invitebridge/bridge"
	"invitebridge/bridge/bridgetest"
	"invitebridge/bridge/httpapi"
)

// TestDocumentAndRouterAgree: the document and the routers of both listeners have
// the same operations.
func TestDocumentAndRouterAgree(t *testing.T) {
	handlers := httpapi.New(bridgetest.New(t).Service, httpapi.Config{BasePath: base, Metrics: metricsHandler, Inviters: &httpapi.Inviters{}})
	for listener, router := range map[string]chi.Router{"public": handlers.Public(), "admin": handlers.Admin()} {
		var routed, documented []string
		err := chi.Walk(router, func(method, route string, _ http.Handler, _ ...func(http.Handler) http.Handler) error {
			routed = append(routed, method+" "+strings.TrimSuffix(route, "/"))
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		for _, o := range loadContract().operations {
			if path, ok := o.paths[listener]; ok {
				documented = append(documented, o.method+" "+path)
			}
		}
		slices.Sort(routed)
		slices.Sort(documented)
		if diff := cmp.Diff(routed, documented); diff != "" {
			t.Errorf("%s listener (-routed +documented):\n%s", listener, diff)
		}
	}
}

// TestDocumentedErrors: the document has exactly the error ids of the bridge, and
// each is an example of some operation's response.
func TestDocumentedErrors(t *testing.T) {
	var documented []string
	shown := map[string]bool{"not_found": true, "method_not_allowed": true} // belong to no operation
	for _, id := range loadContract().node("components", "schemas", "errorId", "enum").value.([]any) {
		documented = append(documented, id.(string))
	}
	for _, o := range loadContract().operations {
		for status, r := range o.responses {
			for _, id := range r.errorIDs {
				shown[id] = true
			}
			if len(r.errorIDs) == 0 && status >= 400 && o.id != "isReady" && r.content["text/html"] == nil {
				t.Errorf("%s %d has no example of an error", o.id, status)
			}
		}
	}
	defined := errorIDs(t)
	slices.Sort(documented)
	slices.Sort(defined)
	if diff := cmp.Diff(defined, documented); diff != "" {
		t.Errorf("(-defined +documented):\n%s", diff)
	}
	for _, id := range documented {
		if !shown[id] {
			t.Errorf("%s is in no operation's responses", id)
		}
	}
	for id, example := range loadContract().node("components", "examples").children() {
		if got := example.get("value", "error", "id").value; got != id {
			t.Errorf("the example %s has the id %v", id, got)
		}
	}
}

// errorIDs parses the ids from the source, so that the list is complete.
func errorIDs(t *testing.T) (ids []string) {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "../errors.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	ast.Inspect(file, func(n ast.Node) bool {
		pair, ok := n.(*ast.KeyValueExpr)
		if !ok {
			return true
		}
		name, isName := pair.Key.(*ast.Ident)
		if text, isText := pair.Value.(*ast.BasicLit); isName && isText && name.Name == "ID" {
			id, err := strconv.Unquote(text.Value)
			if err != nil {
				t.Fatal(err)
			}
			ids = append(ids, id)
		}
		return true
	})
	return ids
}

// TestDocumentedEnums: the document's enums have the values of the domain.
func TestDocumentedEnums(t *testing.T) {
	c := loadContract()
	for name, want := range map[string]any{
		"importState": bridge.ImportStates(), "importResult": bridge.ImportResults(),
		"importDependency": []bridge.Dependency{bridge.DependencyKratos, bridge.DependencyHook, bridge.DependencyStore, bridge.DependencyRequest, bridge.DependencyRepair, bridge.DependencyQuietHours},
		"invitationState":  bridge.States(), "messageState": bridge.MessageStates(), "event": bridge.Events(),
		"delivery": []bridge.DeliveryStatus{bridge.DeliveryOff, bridge.DeliveryQueued, bridge.DeliverySent, bridge.DeliveryFailed},
	} {
		got, _ := json.Marshal(c.node("components", "schemas", name, "enum").value)
		if text, _ := json.Marshal(want); string(got) != string(text) {
			t.Errorf("%s: %s, want %s", name, got, text)
		}
	}
}

// TestDocumentedExamples: every example of a schema, parameter, header or body is
// valid.
func TestDocumentedExamples(t *testing.T) {
	c, checked := loadContract(), 0
	compiler := newSchemas(c.root)
	check := func(schema, example node) {
		checked++
		if err := compiler.at(schema).Validate(example.value); err != nil {
			t.Errorf("%s: %v", example.pointer, err)
		}
	}
	var walk func(p node)
	walk = func(p node) {
		schema := p.get("schema")
		for name, example := range p.get("examples").children() {
			switch {
			case schema.value != nil: // of a body
				check(schema, example.get("value"))
			case !strings.Contains(p.pointer, "/components/examples") && isIndex(name): // of a schema
				check(p, example)
			}
		}
		if example := p.get("example"); example.value != nil {
			check(schema, example)
		}
		members, _ := p.value.(map[string]any)
		list, _ := p.value.([]any)
		for key := range members {
			if key != "example" && key != "examples" && members[key] != nil {
				walk(p.child(key))
			}
		}
		for i := range list {
			walk(p.child(strconv.Itoa(i)))
		}
	}
	walk(c.node())
	if t.Logf("%d examples", checked); checked < 100 {
		t.Errorf("only %d examples were found", checked)
	}
}

func isIndex(name string) bool {
	_, err := strconv.Atoi(name)
	return err == nil
}

// TestDocumentIsServed: with default settings the document is served byte for byte
// as in the repository; otherwise with the configured base path and public URL.
func TestDocumentIsServed(t *testing.T) {
	file, err := os.ReadFile("openapi.json")
	if err != nil {
		t.Fatal(err)
	}
	a := start(t)
	got := do(t, request(t, http.MethodGet, a.admin+"/openapi.json", nil, "Authorization", "Bearer "+key))
	if got.status != http.StatusOK || !bytes.Equal(got.body, file) {
		t.Errorf("%d, %d bytes instead of %d", got.status, len(got.body), len(file))
	}
	var pretty bytes.Buffer
	if err := json.Indent(&pretty, file, "", "  "); err != nil || !bytes.Equal(pretty.Bytes(), file) {
		t.Errorf("the file is not formatted as by json.Indent: %v", err)
	}

	// The URL contains the default base path and characters to escape.
	const publicURL, elsewhere = `https://join.example.com/api/v1/invite/{x}&"y"`, "/team/v2"
	const written = `https://join.example.com/api/v1/invite/%7Bx%7D&"y"`
	a = startWith(t, bridgetest.New(t), func(c *httpapi.Config) { c.BasePath, c.PublicURL = elsewhere, publicURL+"/" })
	got = do(t, request(t, http.MethodGet, a.admin+"/openapi.json", nil, "Authorization", "Bearer "+key))
	var moved struct {
		Paths map[string]struct {
			Servers []struct{ URL string }
		}
	}
	got.into(t, &moved)
	var urls []string
	for path, item := range moved.Paths {
		if strings.HasPrefix(path, base) {
			t.Errorf("%s still has the default base path", path)
		}
		for _, server := range item.Servers {
			urls = append(urls, server.URL)
		}
	}
	slices.Sort(urls)
	want := []string{"http://127.0.0.1:4489", written, written + elsewhere}
	if diff := cmp.Diff(want, slices.Compact(urls)); diff != "" {
		t.Errorf("servers (-want +got):\n%s", diff)
	}
	if _, ok := moved.Paths[elsewhere+"/{id}"]; !ok || len(moved.Paths) != len(loadContract().node("paths").value.(map[string]any)) {
		t.Errorf("%d paths: %s", len(moved.Paths), got.body[:200])
	}
	r := request(t, http.MethodGet, a.admin+elsewhere+"/"+uuid.NewString(), nil, "Authorization", "Bearer "+key)
	if got := do(t, r); got.errorID() != "invitation_not_found" {
		t.Errorf("%d %s", got.status, got.body)
	}
}
