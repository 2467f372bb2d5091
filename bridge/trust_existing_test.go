package bridge_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"invitebridge/bridge"
	"invitebridge/kratos/kratostest"
)

// passkey and securityKey are credentials as Kratos keeps them. Nobody has the
// private key; what counts is that they are set.
const (
	passkey        = `{"credentials":[{"id":"AAAA","public_key":"AAAA","attestation_type":"none","authenticator":{},"display_name":"phone","added_at":"2026-01-02T03:04:05Z","is_passwordless":true}],"user_handle":"AAAA"}`
	passwordlessWA = `{"credentials":[{"id":"AAAA","public_key":"AAAA","attestation_type":"none","authenticator":{},"display_name":"key","added_at":"2026-01-02T03:04:05Z","is_passwordless":true}],"user_handle":"AAAA"}`
	secondFactorWA = `{"credentials":[{"id":"AAAA","public_key":"AAAA","attestation_type":"none","authenticator":{},"display_name":"key","added_at":"2026-01-02T03:04:05Z","is_passwordless":false}],"user_handle":"AAAA"}`
)

// setCredential gives an identity a credential by the admin API, which takes it
// as it is.
func (l *live) setCredential(t *testing.T, id uuid.UUID, kind, config string) {
	t.Helper()
	patch := fmt.Sprintf(`[{"op":"add","path":"/credentials/%s","value":{"type":%q,"identifiers":[%q],"config":%s}}]`, kind, kind, id, config)
	must[kratostest.Shown](t)(l.Patch(t.Context(), id, patch))
}

// existing is an identity that an invite meets, and what becomes of that.
type existing struct {
	name string
	make func(*testing.T, *live, string) uuid.UUID // for an email address
	// asked is what an inviter may say more.
	keepAddresses bool
	// want is the refusal without "reactivate", and with it; nil: it is invited,
	// with that origin.
	plain, reactivate             *bridge.Error
	plainOrigin, reactivateOrigin bridge.Origin
	// addresses are those that the refusal names.
	addresses func(email string) []string
}

func imported(credentials string) func(*testing.T, *live, string) uuid.UUID {
	return func(t *testing.T, l *live, email string) uuid.UUID {
		body := fmt.Sprintf(`{"schema_id":%q,"state":"inactive","traits":%s%s}`, l.config.SchemaID, l.traits(email, ""), credentials)
		return must[uuid.UUID](t)(l.Create(t.Context(), body))
	}
}

func withSecond(used bool) func(*testing.T, *live, string) uuid.UUID {
	return func(t *testing.T, l *live, email string) uuid.UUID {
		body := fmt.Sprintf(`{"schema_id":%q,"state":"inactive","traits":%s}`, l.config.SchemaID, l.traits(email, second(email)))
		id := must[uuid.UUID](t)(l.Create(t.Context(), body))
		if used {
			l.use(t, id)
		}
		return id
	}
}

func second(email string) string { return "second-" + email }

// use has an identity be somebody's for a while.
func (l *live) use(t *testing.T, id uuid.UUID) {
	t.Helper()
	do(t, l.Activate(t.Context(), id, formers))
	do(t, l.SetState(t.Context(), id, "inactive"))
}

// with has an identity of another kind, used or not, and sets a credential.
func with(kind, config string, used bool) func(*testing.T, *live, string) uuid.UUID {
	return func(t *testing.T, l *live, email string) uuid.UUID {
		id := imported("")(t, l, email)
		l.setCredential(t, id, kind, config)
		if used {
			l.use(t, id)
		}
		return id
	}
}

func inviting() []existing {
	deactivated, credentials, conflict := bridge.ErrIdentityDeactivated, bridge.ErrIdentityHasCredentials, bridge.ErrIdentityConflict
	adopted, reactivated := bridge.OriginAdopted, bridge.OriginReactivated
	seconds := func(email string) []string { return []string{second(email)} }
	return []existing{
		{name: "never used", make: imported(""), plainOrigin: adopted, reactivateOrigin: adopted},
		{name: "used", plain: deactivated, reactivateOrigin: reactivated,
			make: func(t *testing.T, l *live, email string) uuid.UUID {
				id := imported("")(t, l, email)
				l.use(t, id)
				return id
			}},
		{name: "imported with a password", make: imported(`,"credentials":{"password":{"config":{"password":"` + formers + `"}}}`),
			plain: credentials, reactivateOrigin: reactivated},
		{name: "imported with a link to a provider", plain: credentials, reactivateOrigin: reactivated,
			make: func(t *testing.T, l *live, email string) uuid.UUID {
				return imported(`,"credentials":{"oidc":{"config":{"providers":[{"provider":"test","subject":"`+email+`"}]}}}`)(t, l, email)
			}},
		{name: "with a security key", make: with("webauthn", secondFactorWA, false), plain: credentials, reactivateOrigin: reactivated},
		{name: "with a passkey", make: with("passkey", passkey, false), plain: conflict, reactivate: conflict},
		{name: "with a passkey, used", make: with("passkey", passkey, true), plain: conflict, reactivate: conflict},
		{name: "with a security key instead of a password", make: with("webauthn", passwordlessWA, true), plain: conflict, reactivate: conflict},
		{name: "with another address", make: withSecond(false), plain: conflict, reactivate: conflict, addresses: seconds},
		{name: "with another address, used", make: withSecond(true), plain: deactivated, reactivate: conflict},
		{name: "with another address that is kept", make: withSecond(false), keepAddresses: true, plainOrigin: adopted, reactivateOrigin: adopted},
		{name: "with another address that is kept, used", make: withSecond(true), keepAddresses: true, plain: deactivated, reactivateOrigin: reactivated},
		{name: "active", plain: bridge.ErrIdentityActive, reactivate: bridge.ErrIdentityActive,
			make: func(t *testing.T, l *live, email string) uuid.UUID {
				id := imported("")(t, l, email)
				do(t, l.Activate(t.Context(), id, formers))
				return id
			}},
	}
}

// TestTrust_existing: each cell of what becomes of an invite that meets an
// identity, by email address and by id.
func TestTrust_existing(t *testing.T) {
	t.Parallel()
	kratos := kratostest.StartEveryMethod(t, kratostest.Options{})
	for _, e := range inviting() {
		for _, asked := range []struct {
			name       string
			reactivate bool
			want       *bridge.Error
			origin     bridge.Origin
		}{
			{"default", false, e.plain, e.plainOrigin},
			{"reactivate", true, e.reactivate, e.reactivateOrigin},
		} {
			t.Run(e.name+"/"+asked.name, func(t *testing.T) {
				l := newLive(t, kratos)
				address := freshEmail()
				id := e.make(t, l, address)
				before := must[json.RawMessage](t)(l.Read(t.Context(), id))
				r := bridge.InviteRequest{Email: address, Reactivate: asked.reactivate, KeepAddresses: e.keepAddresses}
				if asked.want == nil {
					l.handsOver(t, r, id, asked.origin)
					return
				}
				_, err := l.Service.Invite(t.Context(), r)
				said := refusal(t, err, asked.want)
				_, err = l.Service.Invite(t.Context(), bridge.InviteRequest{IdentityID: id, Reactivate: r.Reactivate, KeepAddresses: r.KeepAddresses})
				refused(t, err, asked.want)
				if named, _ := said.Extra["addresses"].([]string); e.addresses != nil && !slices.Equal(named, e.addresses(address)) {
					t.Errorf("it names the addresses %q", named)
				}
				if after := must[json.RawMessage](t)(l.Read(t.Context(), id)); string(after) != string(before) {
					t.Errorf("the refusal changed the identity:\n%s\n%s", before, after)
				}
			})
		}
	}
}

// handsOver has an invite succeed, and the invitee accept.
func (l *live) handsOver(t *testing.T, r bridge.InviteRequest, id uuid.UUID, origin bridge.Origin) {
	t.Helper()
	offer := l.invite(t, r)
	if inv := offer.Invitation; !offer.Created || inv.Origin != origin || inv.IdentityID != id {
		t.Errorf("origin %s, want %s; identity %s", inv.Origin, origin, inv.IdentityID)
	}
	if origin == bridge.OriginReactivated {
		l.Clock.Advance(time.Hour)
	}
	l.accept(t, offer, invitees)
	l.notBroken(t, account{
		id: id, email: l.signsInWith(r.Email), state: "active", holder: invitees, strangers: []string{formers},
		token: offer.Token.Reveal(), ended: bridge.ErrAccepted,
		ways: map[string]way{"social": func(ctx context.Context) (string, error) {
			return l.LoginSocial(ctx, kratostest.Person{Subject: r.Email, Email: "other-" + r.Email})
		}},
	})
	shown := must[kratostest.Shown](t)(l.Show(t.Context(), id, "webauthn"))
	if keys := shown.Credentials["webauthn"].Config; len(keys) > 0 && string(keys) != "null" {
		var config struct{ Credentials []any }
		if err := json.Unmarshal(keys, &config); err != nil || len(config.Credentials) > 0 {
			t.Errorf("a security key is left: %v", err)
		}
	}
	if linked := shown.Credentials["oidc"].Identifiers; len(linked) > 0 {
		t.Errorf("it is linked to %q", linked)
	}
}

// TestTrust_existing_later: what makes an identity unfit while its invitation is
// pending is seen when it is accepted.
func TestTrust_existing_later(t *testing.T) {
	t.Parallel()
	kratos := kratostest.StartEveryMethod(t, kratostest.Options{})
	for name, meanwhile := range map[string]func(*testing.T, *live, uuid.UUID, string){
		"a passkey is set": func(t *testing.T, l *live, id uuid.UUID, _ string) {
			l.setCredential(t, id, "passkey", passkey)
		},
		"a security key instead of a password is set": func(t *testing.T, l *live, id uuid.UUID, _ string) {
			l.setCredential(t, id, "webauthn", passwordlessWA)
		},
		"another address is added": func(t *testing.T, l *live, id uuid.UUID, email string) {
			must[kratostest.Shown](t)(l.Patch(t.Context(), id, fmt.Sprintf(`[{"op":"add","path":"/traits/second_email","value":%q}]`, second(email))))
		},
		"an address that is kept is replaced": func(t *testing.T, l *live, id uuid.UUID, email string) {
			must[kratostest.Shown](t)(l.Patch(t.Context(), id, fmt.Sprintf(`[{"op":"replace","path":"/traits/second_email","value":%q}]`, second(second(email)))))
		},
		"it gets another address": func(t *testing.T, l *live, id uuid.UUID, email string) {
			must[kratostest.Shown](t)(l.Patch(t.Context(), id, fmt.Sprintf(`[{"op":"replace","path":"/traits/email","value":%q}]`, second(email))))
		},
	} {
		for _, used := range []bool{false, true} {
			t.Run(fmt.Sprint(name, "/used ", used), func(t *testing.T) {
				l := newLive(t, kratos)
				r := bridge.InviteRequest{Email: freshEmail(), Reactivate: used, KeepAddresses: strings.Contains(name, "kept")}
				var id uuid.UUID
				if r.KeepAddresses {
					id = withSecond(used)(t, l, r.Email)
				} else if id = imported("")(t, l, r.Email); used {
					l.use(t, id)
				}
				offer := l.invite(t, r)
				l.Clock.Advance(time.Hour)
				meanwhile(t, l, id, r.Email)
				_, err := l.Service.Accept(t.Context(), offer.Token.Reveal(), invitees)
				refused(t, err, bridge.ErrRevoked)
				if inv := l.get(t, offer); inv.Reason != bridge.ReasonInUse {
					t.Errorf("the reason is %q", inv.Reason)
				}
				l.notBroken(t, account{
					id: id, email: r.Email, state: "inactive", strangers: []string{invitees},
					token: offer.Token.Reveal(), ended: bridge.ErrRevoked,
				})
			})
		}
	}
}
