package kratostest

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/google/uuid"
)

const schemasPath = "/schemas"

// public responds as the public API does, of which the fake has only the schemas
// and the login with a password. It is not subject to a [Fault], and is neither
// counted nor logged.
func (f *Fake) public(r *http.Request, body []byte) (reply, bool) {
	path := r.URL.Path
	switch r.Method + " " + path {
	case "GET /self-service/login/api":
		return jsonReply(http.StatusOK, map[string]any{"id": uuid.New()}), true
	case "POST /self-service/login":
		return f.loginByPassword(r.Context(), body), true
	}
	if r.Method != http.MethodGet {
		return reply{}, false
	}
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

func (f *Fake) loginByPassword(ctx context.Context, body []byte) reply {
	var form struct{ Identifier, Password string }
	if err := json.Unmarshal(body, &form); err != nil {
		return malformed(err.Error())
	}
	switch err := f.SignIn(ctx, form.Identifier, form.Password); {
	case errors.Is(err, ErrInactive):
		return refusal(http.StatusUnauthorized, "This account was disabled.", "identity is disabled")
	case err != nil:
		return jsonReply(http.StatusBadRequest, map[string]any{"ui": map[string]any{"messages": []any{map[string]any{"id": 4000006}}}})
	}
	i, _ := f.identity.byIdentifier(methodPassword, form.Identifier)
	token, err := f.AddSession(i.ID)
	if err != nil {
		return refusal(http.StatusInternalServerError, err.Error(), "internal")
	}
	return jsonReply(http.StatusOK, map[string]any{"session_token": token})
}
