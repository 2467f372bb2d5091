package main

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"

	"invitebridge/bridge"
	"invitebridge/bridge/httpapi"
)

// TestPrintAnyText: every format prints any text, unchanged when read back, and
// without control characters.
func TestPrintAnyText(t *testing.T) {
	for _, name := range []string{
		"\x1b[2J\x07\x7f\u0085\u009b2J\r\n\t", "é🙂\u2028\ufeff\uffff\U0010ffff", `"\/<&>'`, "true", "007", "~", "- a: b # c", "2030-01-01T00:00:00Z", "\u202eadA", "",
	} {
		issued := httpapi.IssuedInvitation{InvitationView: bridge.InvitationView{InviterName: name, Email: "a@example.com"}, Link: "https://a.example.com/?a=1&b=2"}
		var out bytes.Buffer
		for _, format := range formats {
			out.Reset()
			if err := printOne(&presenter{out: &out, format: format}, issued); err != nil {
				t.Errorf("%q: %s: %v", name, format, err)
			}
			var read struct {
				InviterName string `json:"inviter_name" yaml:"inviter_name"`
			}
			switch format {
			case formatTable:
				if strings.ContainsAny(out.String(), "\x1b\x07\x7f\u0085\r\t\u202e") {
					t.Errorf("%q: control characters in %q", name, &out)
				}
				continue
			case formatYAML:
				if err := yaml.Unmarshal(out.Bytes(), &read); err != nil {
					t.Errorf("%q: %v", name, err)
				}
			default:
				if strings.ContainsAny(out.String(), "\x7f\u0085\u009b") {
					t.Errorf("%q: %s: control characters in %q", name, format, &out)
				}
				if err := json.Unmarshal(out.Bytes(), &read); err != nil {
					t.Errorf("%q: %v", name, err)
				}
			}
			if diff := cmp.Diff(name, read.InviterName); diff != "" {
				t.Errorf("%s (-want +got):\n%s", format, diff)
			}
			if !strings.Contains(out.String(), "a=1&b=2") {
				t.Errorf("%s: the link cannot be copied: %s", format, &out)
			}
		}
	}
}
