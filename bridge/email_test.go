package bridge_test

import (
	"errors"
	"net/mail"
	"strings"
	"testing"

	"golang.org/x/net/idna"

	"invitebridge/bridge"
)

func TestParseEmail(t *testing.T) {
	valid := map[string]string{
		"ada@example.com":                "ada@example.com",
		"Ada.Lovelace+x@EXAMPLE.com":     "ada.lovelace+x@example.com",
		"u@münchen.de":                   "u@xn--mnchen-3ya.de",
		"u@xn--mnchen-3ya.de":            "u@xn--mnchen-3ya.de",
		"u@BÜCHER.example":               "u@xn--bcher-kva.example",
		"root@localhost":                 "root@localhost",
		"a!#$%&'*+/=?^_`{|}~-b@x.y":      "a!#$%&'*+/=?^_`{|}~-b@x.y",
		strings.Repeat("a", 64) + "@x.y": strings.Repeat("a", 64) + "@x.y",
		// Some carriers issued such addresses.
		"a..b@carrier.example": "a..b@carrier.example",
		"A.@carrier.example":   "a.@carrier.example",
		".a@carrier.example":   ".a@carrier.example",
		"...@carrier.example":  "...@carrier.example",
		// Pasted with surrounding blanks.
		" ada@example.com":                        "ada@example.com",
		"ada@example.com ":                        "ada@example.com",
		"\t ada@example.com \t":                   "ada@example.com",
		"\u00a0ada@example.com\u202f\u3000":       "ada@example.com",
		strings.Repeat(" ", 300) + "a@münchen.de": "a@xn--mnchen-3ya.de",
	}
	for in, want := range valid {
		if got, err := bridge.ParseEmail(in, idna.Lookup.ToASCII); err != nil || got != want {
			t.Errorf("%q: got %q, %v; want %q", in, got, err, want)
		}
	}
	invalid := []string{
		"", "ada", "@", "@example.com", "ada@", "ada@@example.com", "a@b@c",
		"ada@example.com\r\nBcc: eve@example.com", "ada@example.com\n", "\nada@example.com", "ada\r\n @example.com",
		"ada@example.com,eve@example.com", "ada@example.com;eve@example.com", "ada@example.com eve@example.com",
		"Ada <ada@example.com>", "<ada@example.com>", "ada@example.com (Ada)", "(c)ada@example.com",
		`"ada"@example.com`, `"a b"@example.com`, `a\@b@example.com`,
		"a@b> SIZE=1", "a@b>", "a@b\x00", "a@[127.0.0.1]", "a@[IPv6:::1]",
		"ada@example..com", "ada@.example.com",
		"ada@-example.com", "ada@example-.com", "ada@exa_mple.com", "ada@example.com.", "ada @example.com", "ada@ example.com", "a da@example.com", " ", " @ ",
		" ada@example.com\n", " \nada@example.com", "ada@example.com \r\n", "ada@example.com\v", "ada@example.com\u0085", "\ufeffada@example.com",
		"a\u200bda@example.com", "ada@exam\u202eple.com", "\u202eada@example.com", "\u212aate@example.com", "ädä@example.com",
		"ada@example.com\u2028", "ada@\xdfc.com", "ada@\ufffdc.com", "ada%0d%0a@exam ple.com",
		"=?utf-8?q?eve=40evil.example?=@example.com", "a=?UTF-8?B?ZXZl?=b@example.com", "=?x?q?=3e=00?==?x?q??=@example.com",
		strings.Repeat("a", 65) + "@x.y", "a@" + strings.Repeat("a", 64) + ".com",
		"a@" + strings.Repeat("a.", 130) + "com", strings.Repeat("a", 300),
	}
	for _, in := range invalid {
		if got, err := bridge.ParseEmail(in, idna.Lookup.ToASCII); !errors.Is(err, bridge.ErrEmailInvalid) {
			t.Errorf("%q: got %q, %v", in, got, err)
		}
	}
}

// FuzzParseEmail: what is accepted is one plain address to net/mail too, does
// not change when it is parsed again, and has no byte that could end a header
// or an SMTP command. Blanks around it make no difference.
func FuzzParseEmail(f *testing.F) {
	for _, seed := range []string{"ada@example.com", "u@münchen.de", "a@b> SIZE=1", "Bob <a@b>", "\u212a@x", "a@xn--a", "0@\xdfc", "a..b@c.example", ".@c.example", "\u00a0a@b\t"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, in string) {
		email, err := bridge.ParseEmail(in, idna.Lookup.ToASCII)
		for _, around := range []string{" " + in, in + "\t", "\u3000" + in + "\u00a0"} {
			if again, err2 := bridge.ParseEmail(around, idna.Lookup.ToASCII); again != email || (err == nil) != (err2 == nil) {
				t.Fatalf("%q became %q, %v, and %q %q, %v", in, email, err, around, again, err2)
			}
		}
		if err != nil {
			return
		}
		quoted := (&mail.Address{Address: email}).String() // quoted if its dots require it
		if parsed, err := mail.ParseAddress(quoted); err != nil || parsed.Address != email || parsed.Name != "" {
			t.Fatalf("%q became %q, which net/mail reads as %v, %v", in, email, parsed, err)
		}
		if plain := "<" + email + ">"; quoted != plain && quoted != strings.Replace(strings.Replace(plain, "<", `<"`, 1), "@", `"@`, 1) {
			t.Fatalf("%q became %q, which is mailed to %s", in, email, quoted)
		}
		if strings.ContainsAny(email, "\r\n\x00 <>,;:\"()[]\\") || strings.ToLower(email) != email || len(email) > 254 {
			t.Fatalf("%q became %q", in, email)
		}
		if again, err := bridge.ParseEmail(email, idna.Lookup.ToASCII); err != nil || again != email {
			t.Fatalf("%q became %q and then %q, %v", in, email, again, err)
		}
	})
}
