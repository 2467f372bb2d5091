package httpapi_test

import (
	"bytes"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"invitebridge/bridge"
)

// TestDocumentedWebhooks: the document has the same events as the bridge. The
// golden body of each is its example and matches its schema, and the schema
// accepts no other event.
func TestDocumentedWebhooks(t *testing.T) {
	c := loadContract()
	compiler := newSchemas(c.root)
	var want []string
	for _, event := range bridge.Events() {
		want = append(want, string(event))
	}
	documented, _ := c.node("webhooks").value.(map[string]any)
	slices.Sort(want)
	if diff := cmp.Diff(want, slices.Sorted(maps.Keys(documented))); diff != "" {
		t.Fatalf("events (-sent +documented):\n%s", diff)
	}
	for _, event := range want {
		content := c.node("webhooks", event, "post", "requestBody", "content", "application/json")
		for _, other := range want {
			text, err := os.ReadFile(filepath.Join("..", "webhook", "testdata", other+".json"))
			if err != nil {
				t.Fatal(err)
			}
			body, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
			if err != nil {
				t.Fatal(err)
			}
			err = validateWhole(compiler, content.get("schema"), body)
			switch {
			case other != event && err == nil:
				t.Errorf("the schema of %s accepts %s", event, other)
			case other != event:
			case err != nil:
				t.Errorf("%s: %v", event, err)
			default:
				if diff := cmp.Diff(body, content.get("examples", event, "value").value); diff != "" {
					t.Errorf("%s (-sent +documented):\n%s", event, diff)
				}
			}
		}
	}
}

// validateWhole validates a body, and each nested object against its own schema, so
// that no level has undocumented fields.
func validateWhole(compiler schemas, schema node, body any) error {
	if err := compiler.at(schema).Validate(body); err != nil {
		return err
	}
	members, _ := body.(map[string]any)
	for name, inner := range members {
		if _, ok := inner.(map[string]any); !ok {
			continue
		}
		if err := validateWhole(compiler, schema.get("properties", name), inner); err != nil {
			return err
		}
	}
	return nil
}
