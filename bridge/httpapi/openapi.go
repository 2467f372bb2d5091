package httpapi

import (
	_ "embed"
	"encoding/json"
	"net/http"
	"strings"
)

// openAPI is the OpenAPI 3.1 document of both listeners. Its info.version is the
// version of the API, not of the bridge: it changes with the document, not with
// every build.
//
//go:embed openapi.json
var openAPI string

// Values in the document that are replaced by configured ones.
const (
	documentBasePath  = "/api/v1/invite"
	documentPublicURL = "http://127.0.0.1:4488"
)

// document returns the OpenAPI document with the base path and the public URL of
// c wherever they occur: in paths, server URLs, texts and examples. One pass
// replaces both, so that neither is searched for inside the other.
func (c Config) document() []byte {
	publicURL := strings.TrimSuffix(c.PublicURL, "/")
	if publicURL == "" {
		publicURL = documentPublicURL
	}
	return []byte(strings.NewReplacer(
		documentPublicURL, escapeJSON(publicURL),
		documentBasePath, escapeJSON(c.BasePath),
	).Replace(openAPI))
}

// escapeJSON escapes text for use inside a JSON string. Braces are escaped as
// well: OpenAPI treats them as variables.
func escapeJSON(text string) string {
	text = strings.NewReplacer("{", "%7B", "}", "%7D").Replace(text)
	quoted, _ := json.Marshal(text) // cannot fail for a string
	return string(quoted[1 : len(quoted)-1])
}

func (a *API) openAPI(w http.ResponseWriter, _ *http.Request) error {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	_, _ = w.Write(a.document) // fails only if the client disconnected
	return nil
}
