package bridge_test

import (
	"fmt"
	"net/http"
	"slices"
	"time"

	"pgregory.net/rapid"

	"invitebridge/bridge/bridgetest"
	"invitebridge/kratos/kratostest"
)

// drawAccount picks an account for somebody who goes past the bridges. Requests
// on their way arrive before; nobody acts in the moment between a verdict and its
// write, of which no bridge can know.
func (h *history) drawAccount(t *rapid.T) *truth {
	a := h.accountOf(rapid.SampledFrom(modelEmails).Draw(t, "account"))
	if f := h.bridges[0].flight; f != nil && rapid.Bool().Draw(t, "that in flight") {
		a = h.accounts[f.life.identity]
	}
	if a == nil || a.gone {
		t.Skip()
	}
	h.arrive(a, 0)
	for _, n := range h.bridges {
		if f := n.flight; f != nil && f.life.identity == a.id {
			if f.onItsWay() {
				t.Skip()
			}
			defer h.passes(time.Second)
		}
	}
	return a
}

// register makes an account that no bridge has made: inactive and unused, or
// inactive because somebody has to approve it, or active.
func (h *history) register(t *rapid.T) {
	email := rapid.SampledFrom(modelEmails).Draw(t, "account")
	if h.accountOf(email) != nil {
		t.Skip()
	}
	a := &truth{email: email, active: rapid.Bool().Draw(t, "active")}
	state := "inactive"
	if a.active {
		state = "active"
	}
	schema, traits := described(email)
	var err error
	if a.id, err = h.kratos.Create(h.Context(), fmt.Sprintf(`{"schema_id":%q,"state":%q,"traits":%s}`, schema, state, traits)); err != nil {
		h.Fatal(err)
	}
	a.used = a.active
	h.accounts[a.id] = a
	h.step("%s registers, active %v", email, a.active)
	if !a.active && rapid.Bool().Draw(t, "with a provider") {
		h.gives(a, "oidc")
	}
}

// activate has an administrator activate an account: with a password, or as it
// is. It is the account of those whose it was, or of a first holder.
func (h *history) activate(t *rapid.T) {
	if a := h.drawAccount(t); a.active {
		t.Skip()
	} else {
		h.activates(t, a)
	}
}

func (h *history) activates(t *rapid.T, a *truth) {
	a.active, a.used, a.cleaned = true, true, false
	if rapid.Bool().Draw(t, "with a password") {
		h.passwords++
		a.password = fmt.Sprintf("chosen-By-hand-%d", h.passwords)
		a.secrets = append(a.secrets, secret{a.holder, passwordKind, a.password})
		h.kratos.ActivateByHand(a.id, a.password)
	} else if err := h.kratos.SetState(h.Context(), a.id, "active"); err != nil {
		h.Fatal(err)
	}
	h.step("somebody activates %s", a.email)
	h.disturbed(a)
}

func (h *history) deactivate(t *rapid.T) {
	if a := h.drawAccount(t); a.active {
		h.deactivates(a)
	} else {
		t.Skip()
	}
}

func (h *history) deactivates(a *truth) {
	a.active = false
	h.step("somebody deactivates %s", a.email)
	h.kratos.Deactivate(a.id)
}

// use has somebody sign in to an account; perhaps it is activated for that, and
// deactivated afterwards.
func (h *history) use(t *rapid.T) {
	a := h.drawAccount(t)
	if !a.active {
		h.activates(t, a)
	}
	token, err := h.kratos.AddSession(a.id)
	if err != nil {
		h.Fatal(err)
	}
	a.secrets = append(a.secrets, secret{a.holder, sessionKind, token})
	h.step("somebody signs in to %s", a.email)
	if rapid.IntRange(0, 3).Draw(t, "stays") > 0 {
		h.deactivates(a)
	}
}

// give has an account get a way to sign in: its holder adds it, or an
// administrator imports it while the account is inactive.
func (h *history) give(t *rapid.T) {
	a := h.drawAccount(t)
	h.gives(a, rapid.SampledFrom([]string{"oidc", "totp", "lookup_secret", "passkey"}).Draw(t, "credential"))
}

func (h *history) gives(a *truth, kind string) {
	value, config, identifiers := "", "", []string(nil)
	switch kind {
	case "oidc":
		h.people++
		value = fmt.Sprint("subject-", h.people)
		identifiers = []string{"idp:" + value}
		for _, s := range a.secrets { // it replaces what is there
			if s.kind == kind && s.holder == a.holder {
				identifiers = append(identifiers, "idp:"+s.value)
			}
		}
	case "passkey":
		config, a.fixed = `{"credentials":[{}]}`, true
	}
	if err := h.kratos.SetCredential(a.id, kind, config, identifiers...); err != nil {
		h.Fatal(err)
	}
	if h.step("%s gets %s", a.email, kind); !a.active {
		if a.imported = true; kind == "passkey" {
			h.disturbed(a)
		}
		h.given(a)
	}
	if kind != "oidc" { // there is one of a kind
		a.secrets = slices.DeleteFunc(a.secrets, func(s secret) bool { return s.kind == kind })
	}
	a.secrets = append(a.secrets, secret{a.holder, kind, value})
}

// tamper is what happens more rarely.
func (h *history) tamper(t *rapid.T) {
	switch rapid.IntRange(0, 3).Draw(t, "how") {
	case 0:
		h.mend(t)
	case 1:
		h.remove(t)
	default:
		h.sicken(t)
	}
}

// mend has somebody change what does not matter: metadata, and that the address
// is verified.
func (h *history) mend(t *rapid.T) {
	a := h.drawAccount(t)
	patches := []string{
		`[{"op":"add","path":"/metadata_public","value":{"team":7}}]`,
		`[{"op":"replace","path":"/verifiable_addresses/0/verified","value":true}]`,
		`[{"op":"add","path":"/traits/name","value":{"first":"Ada"}}]`,
	}
	if a.email == namedEmail {
		patches = patches[:2] // who gives traits must give those that are there
	}
	patch := rapid.SampledFrom(patches).Draw(t, "patch")
	if _, err := h.kratos.Patch(h.Context(), a.id, patch); err != nil {
		h.Fatal(err)
	}
	h.step("somebody mends %s", a.email)
}

// remove has somebody delete an identity.
func (h *history) remove(t *rapid.T) {
	a := h.drawAccount(t)
	h.step("somebody deletes %s", a.email)
	h.kratos.Remove(a.id)
	a.gone = true
	h.healed(a)
	h.disturbed(a)
}

// sicken makes Kratos unable to show one identity, or able again.
func (h *history) sicken(t *rapid.T) {
	a := h.drawAccount(t)
	if a.heal != nil {
		h.step("%s can be read again", a.email)
		h.healed(a)
		return
	}
	sick := bridgetest.Answer(http.StatusInternalServerError)
	sick.Method, sick.Route, sick.ID = http.MethodGet, kratostest.RouteIdentity, a.id
	a.heal = h.kratos.Inject(sick)
	h.step("%s cannot be read", a.email)
}

func (h *history) healed(a *truth) {
	if a.heal != nil {
		a.heal()
		a.heal = nil
	}
}

// alone leaves to a bridge what it is about to do: what another bridge has sent
// for the same account arrives before. All that nobody could know of is skipped:
// a bridge whose write is on its way while another acts.
func (h *history) alone(n *node, a *truth) {
	for _, other := range h.bridges {
		if f := other.flight; other != n && f != nil && f.onItsWay() && (a == nil || f.life.identity == a.id) {
			h.Skip()
		}
	}
	if slices.ContainsFunc(h.late, func(w lateWrite) bool { return w.life.node != n && !w.slow }) {
		h.arrive(a, 0)
	}
}
