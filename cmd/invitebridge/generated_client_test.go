package main

import (
	"encoding/json"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"invitebridge/kratos/kratostest"
)

// openapiTools is the module with the generator and the client; see its go.mod.
const openapiTools = "../../bridge/httpapi/openapitools"

// TestGeneratedClient generates a client from the OpenAPI document that the bridge
// serves, and uses it to create and accept an invitation with a real Kratos.
func TestGeneratedClient(t *testing.T) {
	kratos := kratostest.Shared(t)
	b := startBridge(t, kratos)
	document := b.call(http.MethodGet, b.admin+"/openapi.json", nil, "Authorization", "Bearer "+key)
	if document.status != http.StatusOK {
		t.Fatalf("%d %s", document.status, document.text)
	}
	dir := t.TempDir()
	path := func(name string) string { return filepath.Join(dir, name) }
	write := func(name string, text []byte) {
		if err := os.WriteFile(path(name), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("openapi.json", []byte(document.text))
	inTools(t, "go", "tool", "oapi-codegen", "-package", "main", "-generate", "types,client", "-o", path("generated.go"), path("openapi.json"))

	// An overlay adds the generated file to the client's package without writing
	// into the source tree.
	beside, err := filepath.Abs(filepath.Join(openapiTools, "client", "generated.go"))
	if err != nil {
		t.Fatal(err)
	}
	overlay, err := json.Marshal(map[string]any{"Replace": map[string]string{beside: path("generated.go")}})
	if err != nil {
		t.Fatal(err)
	}
	write("overlay.json", overlay)
	inTools(t, "go", "build", "-overlay", path("overlay.json"), "-o", path("client"), "./client")

	const email = "generated@example.com"
	inTools(t, path("client"), b.admin, b.public+base, key, email, password)
	if err := kratos.SignIn(t.Context(), email, password); err != nil {
		t.Errorf("login: %v", err)
	}
}

// inTools runs a program in the directory of the OpenAPI tools.
func inTools(t *testing.T, name string, args ...string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), name, args...)
	cmd.Dir = openapiTools
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s %q: %v\n%s", name, args, err, out)
	}
}
