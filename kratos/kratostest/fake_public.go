package kratostest

import (
	"encoding/base64"
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strings"
)

const schemasPath = "/schemas"

// public responds as the public API does, of which the fake has only the
// schemas. It is not subject to a [Fault], and is neither counted nor logged.
func (f *Fake) public(path string) (reply, bool) {
	if path == schemasPath {
		type listed struct {
			ID     string          `json:"id"`
			Schema json.RawMessage `json:"schema"`
		}
		var all []listed
		for _, id := range slices.Sorted(maps.Keys(f.options.schemas)) {
			all = append(all, listed{id, f.options.schemas[id].text})
		}
		return jsonReply(http.StatusOK, all), true
	}
	id, ok := strings.CutPrefix(path, schemasPath+"/")
	if !ok {
		return reply{}, false
	}
	schema, ok := f.options.schemas[id]
	if decoded, err := base64.RawURLEncoding.DecodeString(id); !ok && err == nil {
		schema, ok = f.options.schemas[string(decoded)]
	}
	if !ok {
		return refusal(http.StatusNotFound, "Identity schema `"+id+"` could not be found.", "The requested resource could not be found"), true
	}
	return reply{status: http.StatusOK, text: string(schema.text)}, true
}
