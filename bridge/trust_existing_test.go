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

// passkey, passwordlessWA and secondFactorWA are credentials as Kratos stores
// them. There is no private key; what counts is that they are set.
const (
	passkey        = `{"credentials":[{"id":"AAAA","public_key":"AAAA","attestation_type":"none","authenticator":{},"display_name":"phone","added_at":"2026-01-02T03:04:05Z","is_passwordless":true}],"user_handle":"AAAA"}`
	passwordlessWA = `{"credentials":[{"id":"AAAA","public_key":"AAAA","attestation_type":"none","authenticator":{},"display_name":"key","added_at":"2026-01-02T03:04:05Z","is_passwordless":true}],"user_handle":"AAAA"}`
	secondFactorWA = `{"credentials":[{"id":"AAAA","public_key":"AAAA","attestation_type":"none","authenticator":{},"display_name":"key","added_at":"2026-01-02T03:04:05Z","is_passwordless":false}],"user_handle":"AAAA"}`
)

// setCredential gives an identity a credential by the admin API, which stores
// it unchecked.
func (l *liveBridge) setCredential(t *testing.T, id uuid.UUID, kind, config string) {
	t.Helper()
	patch := fmt.Sprintf(`[{"op":"add","path":"/credentials/%s","value":{"type":%q,"identifiers":[%q],"config":%s}}]`, kind, kind, id, config)
	must[kratostest.Shown](t)(l.Patch(t.Context(), id, patch))
}

// existingCase is an identity that an invite finds, and the outcome.
type existingCase struct {
	name string
	make func(*testing.T, *liveBridge, string) uuid.UUID // for an email address
	// keepAddresses is set in the request.
	keepAddresses bool
	// plain and reactivate are the errors without and with "reactivate"; nil:
	// success, with that origin.
	plain, reactivate             *bridge.Error
	plainOrigin, reactivateOrigin bridge.Origin
	// addresses are those that the error names.
	addresses func(email string) []string
}

func imported(credentials string) func(*testing.T, *liveBridge, string) uuid.UUID {
	return func(t *testing.T, l *liveBridge, email string) uuid.UUID {
		body := fmt.Sprintf(`{"schema_id":%q,"state":"inactive","traits":%s%s}`, l.config.SchemaID, l.traits(email, ""), credentials)
		return must[uuid.UUID](t)(l.Create(t.Context(), body))
	}
}

func withSecond(used bool) func(*testing.T, *liveBridge, string) uuid.UUID {
	return func(t *testing.T, l *liveBridge, email string) uuid.UUID {
		body := fmt.Sprintf(`{"schema_id":%q,"state":"inactive","traits":%s}`, l.config.SchemaID, l.traits(email, second(email)))
		id := must[uuid.UUID](t)(l.Create(t.Context(), body))
		if used {
			l.use(t, id)
		}
		return id
	}
}

func second(email string) string { return "second-" + email }

// use has someone use an identity for a while.
func (l *liveBridge) use(t *testing.T, id uuid.UUID) {
	t.Helper()
	noError(t, l.Activate(t.Context(), id, formerPassword))
	noError(t, l.SetState(t.Context(), id, "inactive"))
}

// withCredential makes an identity with a credential, used or not.
func withCredential(kind, config string, used bool) func(*testing.T, *liveBridge, string) uuid.UUID {
	return func(t *testing.T, l *liveBridge, email string) uuid.UUID {
		id := imported("")(t, l, email)
		l.setCredential(t, id, kind, config)
		if used {
			l.use(t, id)
		}
		return id
	}
}

func existingCases() []existingCase {
	deactivated, credentials, conflict := bridge.ErrIdentityDeactivated, bridge.ErrIdentityHasCredentials, bridge.ErrIdentityConflict
	adopted, reactivated := bridge.OriginAdopted, bridge.OriginReactivated
	seconds := func(email string) []string { return []string{second(email)} }
	return []existingCase{
		{name: "never used", make: imported(""), plainOrigin: adopted, reactivateOrigin: adopted},
		{name: "used", plain: deactivated, reactivateOrigin: reactivated,
			make: func(t *testing.T, l *liveBridge, email string) uuid.UUID {
				id := imported("")(t, l, email)
				l.use(t, id)
				return id
			}},
		{name: "imported with a password", make: imported(`,"credentials":{"password":{"config":{"password":"` + formerPassword + `"}}}`),
			plain: credentials, reactivateOrigin: reactivated},
		{name: "imported with a link to a provider", plain: credentials, reactivateOrigin: reactivated,
			make: func(t *testing.T, l *liveBridge, email string) uuid.UUID {
				return imported(`,"credentials":{"oidc":{"config":{"providers":[{"provider":"test","subject":"`+email+`"}]}}}`)(t, l, email)
			}},
		{name: "with a security key", make: withCredential("webauthn", secondFactorWA, false), plain: credentials, reactivateOrigin: reactivated},
		{name: "with a passkey", make: withCredential("passkey", passkey, false), plain: conflict, reactivate: conflict},
		{name: "with a passkey, used", make: withCredential("passkey", passkey, true), plain: conflict, reactivate: conflict},
		{name: "with a security key instead of a password", make: withCredential("webauthn", passwordlessWA, true), plain: conflict, reactivate: conflict},
		{name: "with another address", make: withSecond(false), plain: conflict, reactivate: conflict, addresses: seconds},
		{name: "with another address, used", make: withSecond(true), plain: deactivated, reactivate: conflict},
		{name: "with another address that is kept", make: withSecond(false), keepAddresses: true, plainOrigin: adopted, reactivateOrigin: adopted},
		{name: "with another address that is kept, used", make: withSecond(true), keepAddresses: true, plain: deactivated, reactivateOrigin: reactivated},
		{name: "active", plain: bridge.ErrIdentityAlreadyActive, reactivate: bridge.ErrIdentityAlreadyActive,
			make: func(t *testing.T, l *liveBridge, email string) uuid.UUID {
				id := imported("")(t, l, email)
				noError(t, l.Activate(t.Context(), id, formerPassword))
				return id
			}},
	}
}

// TestTrust_existing: each cell of the table of invites that find an identity,
// by email address and by id.
func TestTrust_existing(t *testing.T) {
	t.Parallel()
	kratos := kratostest.StartEveryMethod(t, kratostest.Options{})
	for _, e := range existingCases() {
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
				eachMethod(t, func(t *testing.T, with func(*bridge.Config)) {
					l := newLive(t, kratos, with)
					address := freshEmail()
					id := e.make(t, l, address)
					before := must[json.RawMessage](t)(l.Read(t.Context(), id))
					r := bridge.InviteRequest{Email: address, Reactivate: asked.reactivate, KeepAddresses: e.keepAddresses}
					if asked.want == nil {
						l.inviteAndAccept(t, r, id, asked.origin)
						return
					}
					_, err := l.Service.Invite(t.Context(), r)
					got := refusal(t, err, asked.want)
					_, err = l.Service.Invite(t.Context(), bridge.InviteRequest{IdentityID: id, Reactivate: r.Reactivate, KeepAddresses: r.KeepAddresses})
					refused(t, err, asked.want)
					if named, _ := got.Extra["addresses"].([]string); e.addresses != nil && !slices.Equal(named, e.addresses(address)) {
						t.Errorf("it names the addresses %q", named)
					}
					if after := must[json.RawMessage](t)(l.Read(t.Context(), id)); string(after) != string(before) {
						t.Errorf("the refusal changed the identity:\n%s\n%s", before, after)
					}
				})
			})
		}
	}
}

// inviteAndAccept invites, accepts and checks the account.
func (l *liveBridge) inviteAndAccept(t *testing.T, r bridge.InviteRequest, id uuid.UUID, origin bridge.Origin) {
	t.Helper()
	offer := l.invite(t, r)
	if inv := offer.Invitation; !offer.Created || inv.Origin != origin || inv.IdentityID != id {
		t.Errorf("origin %s, want %s; identity %s", inv.Origin, origin, inv.IdentityID)
	}
	if origin == bridge.OriginReactivated {
		l.Clock.Advance(time.Hour)
	}
	l.accept(t, offer, inviteePassword)
	l.checkAccount(t, account{
		id: id, email: l.signsInWith(r.Email), state: "active", holder: inviteePassword, strangers: []string{formerPassword},
		token: offer.Token.Reveal(), ended: bridge.ErrAccepted,
		ways: map[string]way{"social": func(ctx context.Context) (string, error) {
			return l.LoginSocial(ctx, kratostest.Person{Subject: r.Email, Email: "other-" + r.Email})
		}},
	})
	shown := must[kratostest.Shown](t)(l.Show(t.Context(), id, "webauthn"))
	if keys := shown.Credentials["webauthn"].Config; len(keys) > 0 && string(keys) != "null" {
		var config struct{ Credentials []any }
		if err := json.Unmarshal(keys, &config); err != nil || len(config.Credentials) > 0 {
			t.Errorf("a security key was not removed: %v", err)
		}
	}
	if linked := shown.Credentials["oidc"].Identifiers; len(linked) > 0 {
		t.Errorf("it is linked to %q", linked)
	}
}

// TestTrust_existing_later: an identity that becomes unfit while its invitation
// is pending is refused at accept.
func TestTrust_existing_later(t *testing.T) {
	t.Parallel()
	kratos := kratostest.StartEveryMethod(t, kratostest.Options{})
	for name, meanwhile := range map[string]func(*testing.T, *liveBridge, uuid.UUID, string){
		"a passkey is set": func(t *testing.T, l *liveBridge, id uuid.UUID, _ string) {
			l.setCredential(t, id, "passkey", passkey)
		},
		"a security key instead of a password is set": func(t *testing.T, l *liveBridge, id uuid.UUID, _ string) {
			l.setCredential(t, id, "webauthn", passwordlessWA)
		},
		"another address is added": func(t *testing.T, l *liveBridge, id uuid.UUID, email string) {
			must[kratostest.Shown](t)(l.Patch(t.Context(), id, fmt.Sprintf(`[{"op":"add","path":"/traits/second_email","value":%q}]`, second(email))))
		},
		"an address that is kept is replaced": func(t *testing.T, l *liveBridge, id uuid.UUID, email string) {
			must[kratostest.Shown](t)(l.Patch(t.Context(), id, fmt.Sprintf(`[{"op":"replace","path":"/traits/second_email","value":%q}]`, second(second(email)))))
		},
		"it gets another address": func(t *testing.T, l *liveBridge, id uuid.UUID, email string) {
			must[kratostest.Shown](t)(l.Patch(t.Context(), id, fmt.Sprintf(`[{"op":"replace","path":"/traits/email","value":%q}]`, second(email))))
		},
	} {
		for _, used := range []bool{false, true} {
			t.Run(fmt.Sprint(name, "/used ", used), func(t *testing.T) {
				eachMethod(t, func(t *testing.T, with func(*bridge.Config)) {
					l := newLive(t, kratos, with)
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
					_, err := l.tryAccept(t, offer.Token.Reveal(), inviteePassword)
					refused(t, err, bridge.ErrRevoked)
					if inv := l.get(t, offer); inv.Reason != bridge.ReasonInUse {
						t.Errorf("the reason is %q", inv.Reason)
					}
					l.checkAccount(t, account{
						id: id, email: r.Email, state: "inactive", strangers: []string{inviteePassword},
						token: offer.Token.Reveal(), ended: bridge.ErrRevoked,
					})
				})
			})
		}
	}
}
