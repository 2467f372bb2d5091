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

// TestDocumentedWebhooks holds the webhooks of the document to what is sent of
// each event: there are the same events, and the golden body of each is its
// example and fits its schema, which takes no other event.
func TestDocumentedWebhooks(t *testing.T) {
	c := theContract()
	compiler := newSchemas(c.root)
	var want []string
	for _, event := range bridge.Events() {
		want = append(want, string(event))
	}
	documented, _ := c.place("webhooks").value.(map[string]any)
	slices.Sort(want)
	if diff := cmp.Diff(want, slices.Sorted(maps.Keys(documented))); diff != "" {
		t.Fatalf("events (-sent +documented):\n%s", diff)
	}
	for _, event := range want {
		content := c.place("webhooks", event, "post", "requestBody", "content", "application/json")
		schema := compiler.at(content.get("schema"))
		for _, other := range want {
			text, err := os.ReadFile(filepath.Join("..", "webhook", "testdata", other+".json"))
			if err != nil {
				t.Fatal(err)
			}
			body, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
			if err != nil {
				t.Fatal(err)
			}
			err = schema.Validate(body)
			switch {
			case other != event && err == nil:
				t.Errorf("the schema of %s takes %s", event, other)
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
