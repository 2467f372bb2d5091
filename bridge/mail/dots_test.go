package mail

import (
	"net/mail"
	"slices"
	"strings"
	"testing"

	"invitebridge/bridge"
)

// carrierAddresses have dots that RFC 5321 requires to be quoted.
var carrierAddresses = map[string]string{
	"a..b@carrier.example": `<"a..b"@carrier.example>`,
	"a.@carrier.example":   `<"a."@carrier.example>`,
	".a@carrier.example":   `<".a"@carrier.example>`,
	"a.b@carrier.example":  `<a.b@carrier.example>`,
}

// TestDotsAreQuoted: the local part is quoted where its dots require it, in
// commands and in headers, and a server decodes it to the invitee's address.
func TestDotsAreQuoted(t *testing.T) {
	for address, path := range carrierAddresses {
		d := invitation()
		d.Payload.Data.Invitation.Email, d.Payload.Data.Invitation.InviterEmail = address, address
		ordinary := (&scripted{reply: usual}).start(t)
		if got := newMailer(t, "smtp://"+ordinary.addr+"/?disable_starttls=true", nil).Send(t.Context(), d); got.Outcome != bridge.AttemptSent {
			t.Fatalf("%s: %+v", address, got)
		}
		if received := ordinary.received(); !strings.Contains(received, "\nRCPT TO:"+path+"\nDATA\n") || !strings.Contains(received, "\nTo: "+path+"\n") {
			t.Errorf("%s: the server received %q", address, received)
		}

		server := (&smtpd{noTLS: true}).start(t)
		if got := newMailer(t, "smtp://"+server.addr+"/?disable_starttls=true", nil).Send(t.Context(), d); got.Outcome != bridge.AttemptSent {
			t.Fatalf("%s: %+v", address, got)
		}
		got := server.only(t)
		if !slices.Equal(got.to, []string{address}) {
			t.Errorf("%s was sent to %q", address, got.to)
		}
		if to, err := mail.ParseAddress(parse(t, got.data).header.Get("To")); err != nil || to.Address != address {
			t.Errorf("%s: the header To names %v, %v", address, to, err)
		}
		replying := branded(t, func(c *Config) { c.ReplyToInviter = true })
		if got := replying.composed(t, d).header.Get("Reply-To"); got != path {
			t.Errorf("%s: replies go to %s", address, got)
		}
	}
}
