package httpapi

import (
	_ "embed"
	"encoding/json"
	"net/http"
	"strings"
)

// openAPI is the contract of both listeners, in OpenAPI 3.1. Its info.version
// is that of the API and not of the bridge: a contract changes when its words
// do, and not with every build.
//
//go:embed openapi.json
var openAPI string

// What the document has for things that are configured.
const (
	documentBasePath  = "/api/v1/invite"
	documentPublicURL = "http://127.0.0.1:4488"
)

// document gives the contract with the base path and the public URL of c,
// wherever they occur: in paths, server URLs, texts and examples. It is done in
// one pass, so that neither is looked for inside the other.
func (c Config) document() []byte {
	publicURL := strings.TrimSuffix(c.PublicURL, "/")
	if publicURL == "" {
		publicURL = documentPublicURL
	}
	return []byte(strings.NewReplacer(
		documentPublicURL, inQuotes(publicURL),
		documentBasePath, inQuotes(c.BasePath),
	).Replace(openAPI))
}

// inQuotes writes a text as it stands within a JSON text. Braces are escaped:
// OpenAPI takes them for variables.
func inQuotes(text string) string {
	text = strings.NewReplacer("{", "%7B", "}", "%7D").Replace(text)
	quoted, _ := json.Marshal(text) // a text always can be
	return string(quoted[1 : len(quoted)-1])
}

func (a *API) openAPI(w http.ResponseWriter, _ *http.Request) error {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	_, _ = w.Write(a.document) // the client is gone: nobody to tell
	return nil
}
