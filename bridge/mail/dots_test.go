package mail

import (
	"net/mail"
	"slices"
	"strings"
	"testing"

	"invitebridge/bridge"
)

// carrierAddresses have dots where RFC 5321 wants quotes around them.
var carrierAddresses = map[string]string{
	"a..b@carrier.example": `<"a..b"@carrier.example>`,
	"a.@carrier.example":   `<"a."@carrier.example>`,
	".a@carrier.example":   `<".a"@carrier.example>`,
	"a.b@carrier.example":  `<a.b@carrier.example>`,
}

// TestDots: what is before the @ is quoted where its dots ask for it, in the
// command as in the headers, and one server reads of it who was invited.
func TestDots(t *testing.T) {
	for address, path := range carrierAddresses {
		d := invitation()
		d.Payload.Data.Invitation.Email, d.Payload.Data.Invitation.InviterEmail = address, address
		polite := (&scripted{reply: usual}).start(t)
		if got := newMailer(t, "smtp://"+polite.addr+"/?disable_starttls=true", nil).Send(t.Context(), d); got.Outcome != bridge.Sent {
			t.Fatalf("%s: %+v", address, got)
		}
		if heard := polite.heard(); !strings.Contains(heard, "\nRCPT TO:"+path+"\nDATA\n") || !strings.Contains(heard, "\nTo: "+path+"\n") {
			t.Errorf("%s: it said %q", address, heard)
		}

		server := (&smtpd{noTLS: true}).start(t)
		if got := newMailer(t, "smtp://"+server.addr+"/?disable_starttls=true", nil).Send(t.Context(), d); got.Outcome != bridge.Sent {
			t.Fatalf("%s: %+v", address, got)
		}
		got := server.only(t)
		if !slices.Equal(got.to, []string{address}) {
			t.Errorf("%s was sent to %q", address, got.to)
		}
		if to, err := mail.ParseAddress(parse(t, got.data).header.Get("To")); err != nil || to.Address != address {
			t.Errorf("%s: the header To is to %v, %v", address, to, err)
		}
		replying := branded(t, func(c *Config) { c.ReplyToInviter = true })
		if got := replying.composed(t, d).header.Get("Reply-To"); got != path {
			t.Errorf("%s: replies go to %s", address, got)
		}
	}
}
