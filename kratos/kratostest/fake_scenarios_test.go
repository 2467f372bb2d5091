package kratostest_test

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
)

const identities = "/admin/identities"

func create(name, body string) step {
	return step{method: http.MethodPost, path: identities, body: body, makes: name}
}

func request(method, path string, body ...string) step {
	return step{method: method, path: identities + path, body: strings.Join(body, "")}
}

func patching(name string, ops ...string) step {
	return request(http.MethodPatch, "/{"+name+"}", "["+strings.Join(ops, ",")+"]")
}

func op(kind, path, value string) string {
	return fmt.Sprintf(`{"op":%q,"path":%q,"value":%s}`, kind, path, value)
}

// credential sets up a credential as a holder does in the settings. On the real
// server it uses PATCH, although the API documentation forbids that.
func credential(name, method, config, identifier string) step {
	return step{do: func(w *twin) string {
		if w.fake != nil {
			return fmt.Sprint(w.fake.SetCredential(w.id(name), method, config, cmp.Or(identifier, w.ids[name])))
		}
		value, err := json.Marshal(map[string]any{
			"type": method, "identifiers": []string{cmp.Or(identifier, w.ids[name])}, "config": json.RawMessage(config), "version": 1,
		})
		if err != nil {
			return err.Error()
		}
		status, err := httpPatch(w.url+identities+"/"+w.ids[name], "["+op("add", "/credentials/"+method, string(value))+"]")
		if err == nil && status != http.StatusOK {
			err = fmt.Errorf("status %d", status)
		}
		return fmt.Sprint(err)
	}}
}

func httpPatch(address, body string) (status int, err error) {
	r, err := http.NewRequestWithContext(context.Background(), http.MethodPatch, address, strings.NewReader(body))
	if err != nil {
		return 0, err
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		return 0, err
	}
	return res.StatusCode, res.Body.Close()
}

func signIn(name, session, email, password string) step {
	return step{do: func(w *twin) string { return w.addSession(name, session, email, password) }}
}

func works(sessions ...string) step {
	return step{do: func(w *twin) string {
		var out []string
		for _, s := range sessions {
			out = append(out, fmt.Sprint(s, " works: ", w.sessionWorks(s)))
		}
		return strings.Join(out, "\n")
	}}
}

const (
	totpConfig   = `{"totp_url":"otpauth://totp/kratostest:a?secret=AAAAAAAAAAAAAAAA&issuer=kratostest"}`
	lookupConfig = `{"recovery_codes":[{"code":"abcdefgh"}]}`
	keyConfig    = `{"user_handle":"AAA=","credentials":[%s]}`
	secondKey    = `{"id":"AAAA","public_key":"","attestation_type":"none","authenticator":{"aaguid":"","sign_count":0,"clone_warning":false},"display_name":"k","added_at":"2031-02-03T04:05:06Z","is_passwordless":false}`
	soleKey      = `{"id":"BBBB","public_key":"","attestation_type":"none","authenticator":{"aaguid":"","sign_count":0,"clone_warning":false},"display_name":"k","added_at":"2031-02-03T04:05:06Z","is_passwordless":true}`
	twoProviders = `{"oidc":{"config":{"providers":[{"provider":"idp","subject":"S-<a>"},{"provider":"other","subject":"s-<a>"}]}}}`
	oneProvider  = `{"METHOD":{"config":{"providers":[{"provider":"third","subject":"<a>"}]}}}`
	somePassword = `{"password":{"config":{"password":"correct horse"}}}`
)

func invited(email, more string) string {
	return `{"schema_id":"default","state":"inactive","traits":{"email":"` + email + `"}` + more + `}`
}

func del(name, rest string) step { return request(http.MethodDelete, "/{"+name+"}"+rest) }

var scenarios = []scenario{
	{"state", "default", []step{
		create("a", invited("<A>", "")),
		patching("a", op("replace", "/state", `"inactive"`)),
		patching("a", op("replace", "/state", `"active"`)),
		patching("a", op("add", "/state", `"inactive"`)),
		patching("a", op("replace", "/state", `"asleep"`)),
		patching("a", op("replace", "/state", `""`)),
		patching("a", op("replace", "/state", `5`)),
		patching("a", op("replace", "/state", `"active"`), op("replace", "/state", `"inactive"`)),
		patching("a", op("replace", "/state_changed_at", `"2020-01-01T00:00:00Z"`)),
		patching("a", op("replace", "/state_changed_at", `"noon"`)),
		patching("a", op("replace", "/stateChangedAt", `"2020-01-01T00:00:00Z"`)),
		patching("a", `{"op":"remove","path":"/state_changed_at"}`),
		patching("a", `{"op":"remove","path":"/state"}`),
		request(http.MethodPut, "/{a}", invited("<A>", "")),
		request(http.MethodPut, "/{a}", invited("<b>", `,"credentials":`+somePassword)),
		request(http.MethodPut, "/{a}", strings.Replace(invited("<b>", ""), "inactive", "active", 1)),
		request(http.MethodPut, "/{a}", invited("<b>", "")),
		create("c", `{"schema_id":"customer","traits":{"contact":{"email":"<C>"}}}`),
	}},
	{"sessions", "default", []step{
		create("a", strings.Replace(invited("<a>", `,"credentials":`+somePassword), "inactive", "active", 1)),
		request(http.MethodGet, "/{a}/sessions"),
		del("a", "/sessions"),
		signIn("a", "one", "<a>", "correct horse"),
		signIn("a", "two", "<a>", "correct horse"),
		works("one", "two"),
		patching("a", op("replace", "/state", `"inactive"`)),
		works("one", "two"),
		request(http.MethodGet, "/{a}/sessions?active=true"),
		request(http.MethodGet, "/{a}/sessions?active=false"),
		request(http.MethodGet, "/{a}/sessions?active=x"),
		patching("a", op("replace", "/state", `"active"`)),
		works("one", "two"),
		patching("a", op("replace", "/state", `"inactive"`)),
		del("a", "/sessions"),
		patching("a", op("replace", "/state", `"active"`)),
		works("one", "two"),
		del("a", "/sessions"),
		del("a", ""),
		request(http.MethodGet, "/{a}/sessions"),
		del("a", "/sessions"),
		request(http.MethodGet, "/no-uuid/sessions"),
		request(http.MethodDelete, "/no-uuid/sessions"),
		request(http.MethodPost, "/{a}/sessions", "{}"),
		request(http.MethodGet, "/{a}/sessions/x"),
	}},
	{"credentials", "default", []step{
		create("a", invited("<a>", `,"credentials":`+twoProviders)),
		request(http.MethodGet, "?credentials_identifier=idp:S-<a>"),
		request(http.MethodGet, "?credentials_identifier=IDP:S-<a>"),
		create("", invited("<b>", `,"credentials":`+twoProviders)),
		credential("a", "totp", totpConfig, ""),
		credential("a", "lookup_secret", lookupConfig, ""),
		credential("a", "passkey", fmt.Sprintf(keyConfig, soleKey), ""),
		credential("a", "webauthn", fmt.Sprintf(keyConfig, secondKey), ""),
		request(http.MethodGet, "/{a}"),
		request(http.MethodGet, "/{a}?include_credential=totp"),
		request(http.MethodGet, "/{a}?include_credential=saml"),
		request(http.MethodGet, "/{a}?include_credential=link_recovery"),
		del("a", "/credentials/totp"), del("a", "/credentials/totp"),
		del("a", "/credentials/lookup_secret"), del("a", "/credentials/lookup_secret"),
		del("a", "/credentials/webauthn"), del("a", "/credentials/webauthn"),
		credential("a", "webauthn", fmt.Sprintf(keyConfig, secondKey+","+soleKey), ""),
		del("a", "/credentials/webauthn"), del("a", "/credentials/webauthn"),
		del("a", "/credentials/passkey"), del("a", "/credentials/code"), del("a", "/credentials/saml"), del("a", "/credentials/unheard-of"),
		del("a", "/credentials"), del("a", "/credentials/totp/x"),
		request(http.MethodGet, "/{a}/credentials/totp"), request(http.MethodPost, "/{a}/credentials/totp", "{}"),
		request(http.MethodDelete, "/no-uuid/credentials/totp"),
		del("a", "/credentials/oidc"), del("a", "/credentials/oidc?identifier=idp:none"),
		del("a", "/credentials/oidc?identifier=idp:S-<a>"),
		request(http.MethodPut, "/{a}", invited("<a>", `,"credentials":`+somePassword)),
		request(http.MethodPut, "/{a}", invited("<a>", `,"credentials":`+strings.ReplaceAll(oneProvider, "METHOD", "oidc"))),
		del("a", "/credentials/oidc?identifier=other:s-<a>"),
		request(http.MethodPut, "/{a}", invited("<a>", `,"credentials":`+strings.ReplaceAll(oneProvider, "METHOD", "saml"))),
		del("a", "/credentials/saml"),
		del("a", "/credentials/saml?identifier=third:<a>"),
		del("a", "/credentials/saml?identifier=third:<a>"),
		del("a", "/credentials/oidc?identifier=third:<a>"),
		request(http.MethodGet, "/{a}"),
		del("a", "/credentials/oidc?identifier=other:s-<a>"),
		del("a", "/credentials/password"),
	}},
	{"first factors", "default", []step{
		create("a", invited("<a>", "")),
		del("a", "/credentials/password"),
		request(http.MethodPut, "/{a}", invited("<a>", `,"credentials":`+somePassword)),
		del("a", "/credentials/password"),
		request(http.MethodPut, "/{a}", invited("<a>", `,"credentials":`+twoProviders)),
		del("a", "/credentials/password"),
		del("a", "/credentials/oidc?identifier=other:s-<a>"),
		del("a", "/credentials/oidc?identifier=idp:S-<a>"),
		credential("a", "passkey", fmt.Sprintf(keyConfig, soleKey), ""),
		del("a", "/credentials/oidc?identifier=idp:S-<a>"),
		create("b", invited("<b>", "")),
		credential("b", "webauthn", fmt.Sprintf(keyConfig, soleKey), "x-b"),
		request(http.MethodPut, "/{b}", invited("<b>", `,"credentials":`+somePassword)),
		del("b", "/credentials/password"),
	}},
	{"every method, new", "member", []step{
		create("a", `{"schema_id":"member","state":"inactive","traits":{"email":"<A>","username":"Ada <a>","second_email":"<B>"}}`),
		request(http.MethodGet, "/{a}"),
		request(http.MethodGet, "?credentials_identifier=<B>&include_credential=password&include_credential=webauthn"),
		create("u", `{"schema_id":"member","state":"inactive","traits":{"username":"<B>"}}`),
		create("n", `{"schema_id":"member","state":"inactive","traits":{}}`),
		del("a", "/credentials/webauthn"), del("a", "/credentials/code"), del("a", "/credentials/password"),
		del("a", "/credentials/totp"), del("a", "/credentials/passkey"),
		request(http.MethodPut, "/{a}", `{"schema_id":"member","state":"inactive","traits":{"email":"<A>"}}`),
		request(http.MethodPut, "/{a}", `{"schema_id":"member","state":"inactive","traits":{"email":"<c>","second_email":"<A>"},"credentials":`+somePassword+`}`),
		del("a", "/credentials/password"),
		patching("a", op("add", "/traits/second_email", `"none"`)),
		patching("a", op("add", "/traits/username", `5`)),
		patching("a", op("replace", "/verifiable_addresses/1/value", `"<x>"`), op("replace", "/recovery_addresses/0/value", `"<x>"`)),
	}},
	{"every method, set", "member", []step{
		create("a", `{"schema_id":"member","state":"inactive","traits":{"email":"<a>","username":"u-<a>"},"credentials":`+twoProviders+`}`),
		credential("a", "webauthn", fmt.Sprintf(keyConfig, secondKey), ""),
		del("a", "/credentials/webauthn"),
		credential("a", "webauthn", fmt.Sprintf(keyConfig, soleKey), ""),
		del("a", "/credentials/webauthn"),
		del("a", "/credentials/oidc?identifier=other:s-<a>"),
		del("a", "/credentials/oidc?identifier=idp:S-<a>"),
	}},
	{"patches", "default", patches("add", "replace")},
}

// patches returns patches that the bridge sends, and unusual ones.
func patches(kinds ...string) (steps []step) {
	steps = append(steps, create("taken", invited("<taken>", "")))
	for _, kind := range kinds {
		name := kind[:1] // of the identity
		email := "<" + name + ">"
		steps = append(steps,
			create(name, invited(email, "")),
			patching(name, op(kind, "/metadata_admin/invitation", `{"id":12345678901234567890}`)),
			patching(name, op(kind, "/metadata_admin/invitation/accepted_at", `"2031-02-03T04:05:06Z"`)),
			patching(name, op(kind, "/metadata_admin/y/z", `1.10`)),
			patching(name, op(kind, "/metadata_public", `{"q":[1,1e2],"html":"<&>"}`)),
			patching(name, op(kind, "/metadata_public/q/0", `7`)),
			patching(name, op(kind, "/metadata_public/q/-", `8`)),
			patching(name, op(kind, "/metadata_public/q/9", `8`)),
			patching(name, op(kind, "/metadata_public/q/x", `8`)),
			patching(name, op(kind, "/metadata_public/a~1b", `8`)),
			patching(name, op(kind, "/metadata_public", `null`)),
			patching(name, op(kind, "/traits", `{"email":"`+email+`","numbers":[12345678901234567890,1.10]}`)),
			patching(name, op(kind, "/traits/name", `{"first":"A"}`)),
			patching(name, op(kind, "/traits/name/last", `"B"`)),
			patching(name, op(kind, "/traits/unknown", `"B"`)),
			patching(name, op(kind, "/traits/email", `"none"`)),
			patching(name, op(kind, "/traits/email", `"<taken>"`)),
			patching(name, op(kind, "/traits/email", `"<Moved`+name+`>"`)),
			patching(name, op(kind, "/traits", `"text"`)),
			patching(name, op(kind, "/schema_id", `"customer"`)),
			patching(name, op(kind, "/unheard_of", `1`)),
			patching(name, op(kind, "/metadata_admin", `{"n":1}`), op(kind, "/id", `"x"`)),
			patching(name, op(kind, "/credentials", `{}`)),
			patching(name, op(kind, "/verifiable_addresses/0/verified", `true`), op(kind, "/state", `"active"`)),
			patching(name, op(kind, "/verifiable_addresses/0/value", `"<other>"`)),
			patching(name, op(kind, "/recovery_addresses/0/value", `"<other>"`)),
			patching(name, op(kind, "/metadata_admin", `{}`)),
		)
	}
	return append(steps,
		patching("a", `{"op":"remove","path":"/traits/name"}`),
		patching("a", `{"op":"remove","path":"/metadata_public/none"}`),
		patching("a", `{"op":"move","from":"/metadata_admin","path":"/metadata_public"}`),
		patching("a", `{"op":"copy","from":"/traits/email","path":"/metadata_public"}`),
		patching("a", `{"op":"test","path":"/state","value":"active"}`),
	)
}
