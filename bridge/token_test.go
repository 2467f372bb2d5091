package bridge_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"invitebridge/bridge"
)

func TestTokenRoundTrip(t *testing.T) {
	for range 1000 {
		token := bridge.MintToken()
		text := token.Reveal()
		for _, spelling := range []string{text, text + "=="} {
			back, ok := bridge.ParseToken(spelling)
			if !ok || back != token || back.Digest() != token.Digest() {
				t.Fatalf("%d characters did not parse back", len(spelling))
			}
		}
	}
}

func TestTokenHasOneSpelling(t *testing.T) {
	text := bridge.MintToken().Reveal()
	accepted := 0
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	for _, last := range alphabet {
		if _, ok := bridge.ParseToken(text[:21] + string(last)); ok {
			accepted++
		}
	}
	if accepted != 4 { // the last character carries two bits of the token
		t.Errorf("%d last characters are accepted; 4 are distinct tokens", accepted)
	}
	for _, bad := range []string{
		"", text + "=", text + "===", text + "====", text[:21], text + "A", " " + text, text + "\n", text[:10] + "\n" + text[10:],
		text[:10] + "\r\n" + text[12:], strings.Repeat("=", 22), strings.Repeat("+", 22), strings.Repeat("é", 11), text[:20] + "==",
	} {
		if _, ok := bridge.ParseToken(bad); ok {
			t.Errorf("%q is accepted", bad)
		}
	}
}

func TestTokenIsHidden(t *testing.T) {
	token := bridge.MintToken()
	var out strings.Builder
	fmt.Fprintf(&out, "%v %+v %#v %s %q", token, token, token, token, token)
	slog.New(slog.NewJSONHandler(&out, nil)).Info("m", "token", token, "offer", bridge.IssuedInvitation{Token: token})
	_ = json.NewEncoder(&out).Encode(map[string]any{"token": token})
	raw, _ := base64.RawURLEncoding.DecodeString(token.Reveal())
	for _, secret := range []string{token.Reveal(), fmt.Sprintf("%x", raw), fmt.Sprintf("%d", raw)} {
		if strings.Contains(out.String(), secret) {
			t.Errorf("the token is readable in %s", out.String())
		}
	}
}

// FuzzParseToken: a token is accepted exactly if encoding the decoded bytes
// yields the input, apart from one form of padding.
func FuzzParseToken(f *testing.F) {
	text := bridge.MintToken().Reveal()
	for _, seed := range []string{text, text + "==", text + "=", text[:21] + "\n", "", "AAAAAAAAAAAAAAAAAAAAAB"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, in string) {
		token, ok := bridge.ParseToken(in)
		raw, err := base64.RawURLEncoding.DecodeString(strings.TrimSuffix(in, "=="))
		canonical := err == nil && len(raw) == 16 && base64.RawURLEncoding.EncodeToString(raw) == strings.TrimSuffix(in, "==")
		if ok != canonical {
			t.Fatalf("ParseToken(%q) = %v, want %v", in, ok, canonical)
		}
		if ok && token.Reveal() != strings.TrimSuffix(in, "==") {
			t.Fatalf("%q changed in the round trip", in)
		}
	})
}

func decodeBase64(into []byte, text string) (int, error) {
	return base64.RawURLEncoding.Decode(into, []byte(text))
}
