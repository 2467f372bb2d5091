package kratostest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/google/uuid"
)

const (
	methodPassword = "password"
	methodOIDC     = "oidc"

	maxPasswordLength = 72 // bytes, of bcrypt
)

// knownMethods may be asked for by include_credential.
var knownMethods = []string{methodPassword, methodOIDC, "totp", "lookup_secret", "webauthn", "code", "passkey"}

// identityBody is what POST and PUT take.
type identityBody struct {
	SchemaID       string           `json:"schema_id"`
	State          string           `json:"state"`
	Traits         json.RawMessage  `json:"traits"`
	MetadataPublic json.RawMessage  `json:"metadata_public"`
	MetadataAdmin  json.RawMessage  `json:"metadata_admin"`
	ExternalID     string           `json:"external_id"`
	Credentials    *credentialsBody `json:"credentials"`
}

type credentialsBody struct {
	Password *struct {
		Config struct {
			Password       string `json:"password"`
			HashedPassword string `json:"hashed_password"`
		} `json:"config"`
	} `json:"password"`
	OIDC *struct {
		Config struct {
			Providers []struct {
				Provider string `json:"provider"`
				Subject  string `json:"subject"`
			} `json:"providers"`
		} `json:"config"`
	} `json:"oidc"`
}

// handle answers one request. Nothing of it is seen by another before it is
// whole.
func (f *Fake) handle(method string, u *url.URL, contentType string, body []byte) reply {
	switch route := routeOf(u.Path); {
	case route == RouteReady && method == http.MethodGet:
		return reply{status: http.StatusOK, text: `{"status":"ok"}`, contentType: typeJSON}
	case route == RouteIdentities && method == http.MethodPost:
		return f.create(body)
	case route == RouteIdentities && method == http.MethodGet:
		return f.list(u.Query())
	case route == RouteIdentity && method == http.MethodGet:
		return f.get(idOf(u.Path), u.Query())
	case route == RouteIdentity && method == http.MethodPut:
		return f.replace(idOf(u.Path), contentType, body)
	case route == RouteIdentity && method == http.MethodPatch:
		return f.patch(idOf(u.Path), body)
	case route == RouteIdentity && method == http.MethodDelete:
		if !f.identity.remove(idOf(u.Path)) {
			return notFound()
		}
		return reply{status: http.StatusNoContent}
	case route == RouteIdentities || route == RouteIdentity || route == RouteReady:
		return reply{status: http.StatusMethodNotAllowed, text: "Method Not Allowed", contentType: typeText}
	}
	return reply{status: http.StatusNotFound, text: "404 page not found", contentType: typeText}
}

// idOf gives no id for what is none, and there is no identity without one.
func idOf(path string) uuid.UUID {
	id, _ := uuid.Parse(strings.TrimPrefix(path, RouteIdentities+"/"))
	return id
}

func (f *Fake) create(body []byte) reply {
	var b identityBody
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	if err := d.Decode(&b); err != nil {
		return refusal(http.StatusBadRequest, "", err.Error())
	}
	if b.ExternalID != "" && !f.options.ExternalIDs {
		return refusal(http.StatusBadRequest, "", `json: unknown field "external_id"`)
	}
	i := newFakeIdentity()
	if r, ok := i.apply(b); !ok {
		return r
	}
	i.ExternalID = b.ExternalID
	if !f.identity.insert(i) {
		return refusal(http.StatusConflict, "an identifier is taken", "conflict")
	}
	return jsonReply(http.StatusCreated, i.show(nil))
}

// replace is as lenient about unknown fields as Kratos' PUT is, and insists on
// the content type as it does.
func (f *Fake) replace(id uuid.UUID, contentType string, body []byte) reply {
	if media, _, _ := mime.ParseMediaType(contentType); media != "application/json" {
		return refusal(http.StatusBadRequest, "the content type must be application/json", "bad request")
	}
	var b identityBody
	if err := json.Unmarshal(body, &b); err != nil {
		return refusal(http.StatusBadRequest, "", err.Error())
	}
	var answer reply
	found, stored := f.identity.change(id, func(i *fakeIdentity) bool {
		r, ok := i.apply(b)
		if !ok {
			answer = r
			return false
		}
		if f.options.ExternalIDs {
			i.ExternalID = b.ExternalID
		}
		answer = jsonReply(http.StatusOK, i.show(nil))
		return true
	})
	switch {
	case !found:
		return notFound()
	case !stored && answer.status == http.StatusOK:
		return refusal(http.StatusConflict, "", "a resource with that value exists")
	}
	return answer
}

func (f *Fake) get(id uuid.UUID, q url.Values) reply {
	i, ok := f.identity.byID(id)
	if !ok {
		return notFound()
	}
	if r, ok := checkMethods(q); !ok {
		return r
	}
	return jsonReply(http.StatusOK, i.show(q["include_credential"]))
}

// list searches by identifier, of any method.
func (f *Fake) list(q url.Values) reply {
	if r, ok := checkMethods(q); !ok {
		return r
	}
	identifier := q.Get("credentials_identifier")
	if identifier == "" {
		return refusal(http.StatusNotImplemented, "the fake has no list of all identities", "not implemented")
	}
	shown := []any{}
	var last uuid.UUID
	for _, method := range []string{methodPassword, methodOIDC} {
		if i, ok := f.identity.byIdentifier(method, identifier); ok && i.ID != last {
			shown = append(shown, i.show(q["include_credential"]))
			last = i.ID
		}
	}
	return jsonReply(http.StatusOK, shown)
}

func checkMethods(q url.Values) (reply, bool) {
	for _, method := range q["include_credential"] {
		if !slices.Contains(knownMethods, method) {
			return refusal(http.StatusBadRequest, fmt.Sprintf("%q is no credential type", method), "bad request"), false
		}
	}
	return reply{}, true
}

// notFound has the one text of Kratos' that the client relies on.
func notFound() reply { return refusal(http.StatusNotFound, "", "Unable to locate the resource") }

func refusal(status int, reason, message string) reply {
	return jsonReply(status, map[string]any{"error": struct {
		Code    int    `json:"code"`
		Status  string `json:"status"`
		Reason  string `json:"reason,omitempty"`
		Message string `json:"message"`
	}{status, http.StatusText(status), reason, message}})
}
