package kratostest

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/google/uuid"
)

// knownMethods are the values accepted by include_credential; later versions
// also accept methodSAML.
var knownMethods = []string{
	methodPassword, methodOIDC, methodTOTP, methodLookup, methodWebAuthn, methodCode, methodPasskey, "link_recovery", "code_recovery",
}

// identityBody is the body of POST and PUT.
type identityBody struct {
	SchemaID       string           `json:"schema_id"`
	State          string           `json:"state"`
	Traits         json.RawMessage  `json:"traits"`
	MetadataPublic json.RawMessage  `json:"metadata_public"`
	MetadataAdmin  json.RawMessage  `json:"metadata_admin"`
	ExternalID     string           `json:"external_id"`
	OrganizationID *uuid.UUID       `json:"organization_id"`
	Credentials    *credentialsBody `json:"credentials"`
}

type credentialsBody struct {
	Password *struct {
		Config struct {
			Password       string `json:"password"`
			HashedPassword string `json:"hashed_password"`
		} `json:"config"`
	} `json:"password"`
	OIDC *providersBody `json:"oidc"`
	SAML *providersBody `json:"saml"`
}

type providersBody struct {
	Config struct {
		Providers []provider `json:"providers"`
	} `json:"config"`
}

func (f *Fake) create(body []byte) reply {
	var b identityBody
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	if err := d.Decode(&b); err != nil {
		return refusal(http.StatusBadRequest, "", err.Error())
	}
	if text := b.unknownField(f.options); text != "" {
		return refusal(http.StatusBadRequest, "", text)
	}
	now := f.now()
	i, r, ok := b.identity(f.options, now)
	if !ok {
		return r
	}
	answer := jsonReply(http.StatusCreated, i.answer(f.options))
	answer.id = i.ID
	i.CreatedAt = f.options.written(now)
	if !f.identity.insert(i) {
		return refusal(http.StatusConflict, "an identifier is already in use", "conflict")
	}
	return answer
}

// unknownField returns the error of v1.3.1 about a field of later versions; empty:
// there is none.
func (b identityBody) unknownField(o FakeOptions) string {
	switch {
	case o.ExternalIDs:
		return ""
	case b.ExternalID != "":
		return `json: unknown field "external_id"`
	case b.OrganizationID != nil:
		return `json: unknown field "organization_id"`
	case b.Credentials != nil && b.Credentials.SAML != nil:
		return `json: unknown field "saml"`
	}
	return ""
}

// identity returns the new identity.
func (b identityBody) identity(o FakeOptions, now time.Time) (*fakeIdentity, reply, bool) {
	i := &fakeIdentity{ID: uuid.New(), State: cmp.Or(b.State, stateActive), ExternalID: b.ExternalID, OrganizationID: b.OrganizationID}
	if !validState(i.State) {
		r, ok := badRequest(fmt.Sprintf("the state %q is not valid", i.State))
		return nil, r, ok
	}
	i.begin(o, now)
	r, ok := i.apply(b, o, now)
	return i, r, ok
}

// replace ignores unknown fields and requires the content type, as Kratos' PUT
// does.
func (f *Fake) replace(id uuid.UUID, contentType string, body []byte) reply {
	if media, _, _ := mime.ParseMediaType(contentType); media != "application/json" {
		return refusal(http.StatusBadRequest, "the content type must be application/json", "bad request")
	}
	var b identityBody
	if err := json.Unmarshal(body, &b); err != nil {
		return refusal(http.StatusBadRequest, "", err.Error())
	}
	now := f.now()
	return f.edit(id, func(i *fakeIdentity) (reply, bool) {
		if r, ok := i.apply(b, f.options, now); !ok {
			return r, false
		}
		if f.options.ExternalIDs {
			i.ExternalID = b.ExternalID
		}
		return jsonReply(http.StatusOK, i.answer(f.options)), true
	})
}

// edit runs change on an identity and stores the result if change returns true.
// It returns change's response.
func (f *Fake) edit(id uuid.UUID, change func(*fakeIdentity) (reply, bool)) reply {
	var answer reply
	var wanted bool
	found, stored := f.identity.change(id, func(i *fakeIdentity) bool {
		answer, wanted = change(i)
		return wanted
	})
	switch {
	case !found:
		return notFound()
	case wanted && !stored:
		return refusal(http.StatusConflict, "", "a resource with that value exists")
	}
	return answer
}

func (f *Fake) get(id uuid.UUID, q url.Values) reply {
	i, ok := f.identity.byID(id)
	if !ok {
		return notFound()
	}
	methods, r, ok := f.methods(q)
	if !ok {
		return r
	}
	return jsonReply(http.StatusOK, i.show(f.options, methods))
}

// list searches by id, or by identifier, for any method.
func (f *Fake) list(q url.Values) reply {
	methods, r, ok := f.methods(q)
	if !ok {
		return r
	}
	identifier := q.Get("credentials_identifier")
	switch {
	case q.Has("ids") && identifier == "":
		return f.listByID(q, methods)
	case q.Has("ids"):
		r, _ := badRequest("You cannot combine multiple filters in this API")
		return r
	}
	if identifier == "" {
		return refusal(http.StatusNotImplemented, "the fake has no list of all identities", "not implemented")
	}
	shown := []any{}
	seen := map[uuid.UUID]bool{}
	for _, method := range []string{methodPassword, methodWebAuthn, methodCode, methodOIDC, methodSAML} {
		if i, ok := f.identity.byIdentifier(method, identifier); ok && !seen[i.ID] {
			shown = append(shown, i.show(f.options, methods))
			seen[i.ID] = true
		}
	}
	return jsonReply(http.StatusOK, shown)
}

// methods returns the credential types whose config is requested.
func (f *Fake) methods(q url.Values) ([]string, reply, bool) {
	asked := q["include_credential"]
	for _, method := range asked {
		if !slices.Contains(knownMethods, method) && (method != methodSAML || !f.options.ExternalIDs) {
			r, _ := badRequest(fmt.Sprintf("%q is not a credential type", method))
			return nil, r, false
		}
	}
	return asked, reply{}, true
}

// notFound returns the only text of Kratos that the client relies on.
func notFound() reply { return refusal(http.StatusNotFound, "", "Unable to locate the resource") }

func refusal(status int, reason, message string) reply {
	return jsonReply(status, map[string]any{"error": struct {
		Code    int    `json:"code"`
		Status  string `json:"status"`
		Reason  string `json:"reason,omitempty"`
		Message string `json:"message"`
	}{status, http.StatusText(status), reason, message}})
}
