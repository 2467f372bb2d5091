package kratostest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"html/template"
	"net/http"
	"net/http/httptest"
	"net/url"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
)

// Person is a user of the OpenID provider.
type Person struct {
	Subject string
	Email   string // as the provider reports it; no account uses it
}

// hint identifies a person to [Provider], in the parameter login_hint.
func (p Person) hint() string { return url.Values{"sub": {p.Subject}, "email": {p.Email}}.Encode() }

// Provider is an OpenID provider on loopback. The person in login_hint has
// consented to any client; without login_hint, a page asks for a name. It is
// stateless, because its authorization codes contain everything it needs later.
type Provider struct {
	Issuer string // for Options.OIDC

	server *httptest.Server
	signer jose.Signer
	keys   jose.JSONWebKeySet
}

// NewProvider starts a provider. The caller must Close it.
func NewProvider() (*Provider, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	web := jose.JSONWebKey{Key: key, KeyID: "1", Algorithm: string(jose.ES256), Use: "sig"}
	p := &Provider{keys: jose.JSONWebKeySet{Keys: []jose.JSONWebKey{web.Public()}}}
	if p.signer, err = jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: web}, nil); err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /.well-known/openid-configuration", p.discovery)
	mux.HandleFunc("GET /authorize", p.authorize)
	mux.HandleFunc("POST /token", p.token)
	mux.HandleFunc("GET /keys", func(w http.ResponseWriter, _ *http.Request) { writeJSON(w, p.keys) })
	p.server = httptest.NewServer(mux)
	p.Issuer = p.server.URL
	return p, nil
}

// Close stops the provider.
func (p *Provider) Close() { p.server.Close() }

func (p *Provider) discovery(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, map[string]any{
		"issuer":                                p.Issuer,
		"authorization_endpoint":                p.Issuer + "/authorize",
		"token_endpoint":                        p.Issuer + "/token",
		"jwks_uri":                              p.Issuer + "/keys",
		"response_types_supported":              []string{"code"},
		"subject_types_supported":               []string{"public"},
		"id_token_signing_alg_values_supported": []jose.SignatureAlgorithm{jose.ES256},
	})
}

// grant is the content of an authorization code.
type grant struct{ Client, Nonce, Hint string }

// askName is the page of a person who is not known yet.
var askName = template.Must(template.New("name").Parse(`<!doctype html><html lang="en"><title>Provider</title><link rel="icon" href="data:,">
<form><h1>Sign in at the provider</h1>{{range $name, $values := .}}{{range $values}}<input type="hidden" name="{{$name}}" value="{{.}}">{{end}}{{end}}
<label>Name <input name="name" required></label><button>Sign in</button></form>`))

func (p *Provider) authorize(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	back, err := url.Parse(query.Get("redirect_uri"))
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	hint := query.Get("login_hint")
	if name := query.Get("name"); name != "" {
		hint = Person{Subject: name, Email: "other-" + name + "@example.com"}.hint()
	}
	if hint == "" {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_ = askName.Execute(w, query)
		return
	}
	code, _ := json.Marshal(grant{query.Get("client_id"), query.Get("nonce"), hint})
	back.RawQuery = url.Values{
		"state": {query.Get("state")}, "code": {base64.RawURLEncoding.EncodeToString(code)},
	}.Encode()
	http.Redirect(w, r, back.String(), http.StatusFound)
}

func (p *Provider) token(w http.ResponseWriter, r *http.Request) {
	var g grant
	code, err := base64.RawURLEncoding.DecodeString(r.FormValue("code"))
	if err != nil || json.Unmarshal(code, &g) != nil {
		http.Error(w, `{"error":"invalid_grant"}`, http.StatusBadRequest)
		return
	}
	person, _ := url.ParseQuery(g.Hint)
	now := time.Now()
	token, err := jwt.Signed(p.signer).Claims(map[string]any{
		"iss": p.Issuer, "aud": g.Client, "nonce": g.Nonce, "iat": now.Unix(), "exp": now.Add(time.Hour).Unix(),
		"sub": person.Get("sub"), "email": person.Get("email"), "email_verified": true,
	}).Serialize()
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	writeJSON(w, map[string]any{"access_token": "unused", "token_type": "Bearer", "expires_in": 3600, "id_token": token})
}

func writeJSON(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v)
}
