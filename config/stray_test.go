package config_test

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"invitebridge/config"
)

// TestStrayCharacters: a problem names the stray character, which is hard to
// see.
func TestStrayCharacters(t *testing.T) {
	tests := []struct{ name, file, want string }{
		{"store", `dsn: "bolt:///var/lib/x.db "`, "dsn: must not end with a space (U+0020); remove it"},
		{"store_with_tab", `dsn: "bolt:///var/lib/x\ty.db"`, "dsn: must not contain a tab (U+0009); remove it"},
		{"url", `kratos: {admin_url: "http://kratos:4434/admin "}`, "kratos.admin_url: must not end with a space (U+0020); remove it"},
		{"url_before", `serve: {public: {base_url: "\ufeffhttp://x"}}`, "serve.public.base_url: must not begin with a byte order mark (U+FEFF); remove it"},
		{"url_within", `serve: {public: {base_url: "http://x/a b"}}`, "serve.public.base_url: must not contain a space (U+0020); remove it, or write %20"},
		{"url_zero_width", `invitation: {link_url: "https://x/\u200b{token}"}`, "invitation.link_url: must not contain a zero-width space (U+200B); remove it"},
		{"url_direction", `invitation: {return_to: "https://x/\u202a"}`, "invitation.return_to: must not end with an invisible character (U+202A); remove it"},
		{"url_in_a_list", `invitation: {allowed_return_urls: ["https://x/", "https://y/ "]}`, "invitation.allowed_return_urls[1]: must not end with a space (U+0020); remove it"},
		{"email_trait", `kratos: {email_trait: "email\u00a0"}`, "kratos.email_trait: must not end with a no-break space (U+00A0); remove it"},
		{"schema", `kratos: {schema_id: "person\u00a0"}`, "kratos.schema_id: must not end with a no-break space (U+00A0); remove it"},
		{"token", `kratos: {admin_token: "x\n"}`, "kratos.admin_token: must not end with a line break (U+000A); remove it"},
		{"key", `serve: {admin: {api_keys: [{name: a, key: " 0123456789abcdef"}]}}`, "serve.admin.api_keys[0].key: must not begin with a space (U+0020); remove it"},
		{"certificate", `serve: {public: {tls: {cert: {path: "/c "}, key: {path: /k}}}}`, "serve.public.tls.cert.path: must not end with a space (U+0020); remove it"},
		{"socket", `serve: {public: {host: "unix:/run/x.sock "}}`, "serve.public.host: must not end with a space (U+0020); remove it"},
		{"proxy", `serve: {public: {trusted_proxies: ["10.0.0.1 "]}}`, "serve.public.trusted_proxies[0]: must not end with a space (U+0020); remove it"},
		{"logo", `page: {logo_path: "/x.png "}`, "page.logo_path: must not end with a space (U+0020); remove it"},
		{"templates", `courier: {template_override_path: "/x\r"}`, "courier.template_override_path: must not end with a line break (U+000D); remove it"},
		{"sender", sender(`"a@x.example "`), "courier.smtp.from_address: must not end with a space (U+0020); remove it"},
		{"password_of_mail", smtp("smtp://user:pass word@mail.example"), "courier.smtp.connection_uri: must not contain a space (U+0020); remove it, or write %20"},
		{"hook", hookOf("crm", "[delivery_failed]", "https://x/ "), "hooks[0].url: must not end with a space (U+0020); remove it"},
		{"body_of_hook", hook(`body: "file:///x.jsonnet "`), "hooks[0].body: must not end with a space (U+0020); remove it"},

		{"host_of_url", `serve: {public: {base_url: "https://kölle.example:8443/join"}}`, "serve.public.base_url: must have its host in ASCII: xn--klle-5qa.example"},
		{"host_of_kratos", `kratos: {public_url: "https://KÖLLE.example"}`, "kratos.public_url: must have its host in ASCII: xn--klle-5qa.example"},
		{"host_of_link", `invitation: {link_url: "https://kölle.example?t={token}"}`, "invitation.link_url: must have its host in ASCII: xn--klle-5qa.example"},
		{"host_of_return", `invitation: {allowed_return_urls: ["https://kölle.example/"]}`, "invitation.allowed_return_urls[0]: must have its host in ASCII: xn--klle-5qa.example"},
		{"host_of_origin", `serve: {public: {cors: {allowed_origins: ["https://kölle.example"]}}}`, "serve.public.cors.allowed_origins[0]: must have its host in ASCII: xn--klle-5qa.example"},
		{"host_of_mail", smtp("smtps://u:p@kölle.example:465/?skip_ssl_verify=true"), "courier.smtp.connection_uri: must have its host in ASCII: xn--klle-5qa.example"},
		{"host_of_sender", sender("a@kölle.example"), "courier.smtp.from_address: must have its host in ASCII: xn--klle-5qa.example"},
		{"host_alone", `serve: {admin: {host: kölle.example}}`, "serve.admin.host: must have its host in ASCII: xn--klle-5qa.example"},
		{"host_that_may_be_a_password", smtp("smtp://pä/ss@mail.example"), "courier.smtp.connection_uri: must be smtp:// or smtps:// and a host, such as smtps://user:password@mail.example.com:465/; percent-encode / ? # @ and % in user and password"},

		{"color", "page:\n  accent_color: #1f5fbf\n", `page.accent_color: has no value, because # begins a comment; quote the value, as in "#1f5fbf"`},
		{"no_color", "page:\n  accent_color: # blue\n", `page.accent_color: has no value; set one, or write "" for an empty string`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, got := load(t, []string{withKey, test.file}, config.Options{})
			if len(got) != 1 {
				t.Fatalf("problems: %q", got)
			}
			line := 1
			if test.name == "color" || test.name == "no_color" {
				line = 2
			}
			if diff := cmp.Diff(fmt.Sprintf("2.yml:%d: %s", line, test.want), got[0]); diff != "" {
				t.Errorf("problem (-want +got):\n%s", diff)
			}
		})
	}
}
