package pagetest

import (
	"github.com/chromedp/cdproto/webauthn"
)

// AddAuthenticator gives the browser a device that stores passkeys and confirms
// every request.
func (tab *Tab) AddAuthenticator() {
	tab.t.Helper()
	command(tab, webauthn.Enable, webauthn.EnableParams{})
	command(tab, webauthn.AddVirtualAuthenticator, webauthn.AddVirtualAuthenticatorParams{
		Options: &webauthn.VirtualAuthenticatorOptions{
			Protocol: webauthn.AuthenticatorProtocolCtap2, Transport: webauthn.AuthenticatorTransportInternal,
			HasResidentKey: true, HasUserVerification: true, IsUserVerified: true, AutomaticPresenceSimulation: true,
		},
	})
}
