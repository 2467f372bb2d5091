package pagetest

import "github.com/chromedp/cdproto/webauthn"

// Authenticator is a device that stores passkeys. Its owner confirms every request.
type Authenticator struct {
	tab *Tab
	id  webauthn.AuthenticatorID
}

// AddAuthenticator gives the browser an authenticator.
func (tab *Tab) AddAuthenticator() *Authenticator {
	tab.t.Helper()
	command(tab, webauthn.Enable, webauthn.EnableParams{})
	added := command(tab, webauthn.AddVirtualAuthenticator, webauthn.AddVirtualAuthenticatorParams{
		Options: &webauthn.VirtualAuthenticatorOptions{
			Protocol: webauthn.AuthenticatorProtocolCtap2, Transport: webauthn.AuthenticatorTransportInternal,
			HasResidentKey: true, HasUserVerification: true, IsUserVerified: true, AutomaticPresenceSimulation: true,
		},
	})
	return &Authenticator{tab, added.AuthenticatorID}
}

// Confirm sets whether the owner confirms requests. Until then they wait.
func (a *Authenticator) Confirm(yes bool) {
	a.tab.t.Helper()
	command(a.tab, webauthn.SetAutomaticPresenceSimulation, webauthn.SetAutomaticPresenceSimulationParams{AuthenticatorID: a.id, Enabled: yes})
}
