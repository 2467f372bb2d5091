package config_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"invitebridge/config"
)

// inviters returns a file with a hook for inviters and these keys of the section.
func inviters(section string) string {
	return "hooks: [{id: authz, events: [pre_inviter_request], url: https://authz.example.com/, can_interrupt: true}]\n" +
		"serve: {admin: {api_keys: [{name: a, key: 0123456789abcdef, scopes: [read]}]}}\n" +
		"inviters: {enabled: true, " + section + "}\n"
}

// TestInviters: the section as the example shows it is read.
func TestInviters(t *testing.T) {
	got, problems := load(t, []string{inviters(`allow: [{metadata_public.roles: lead, aal: aal2}, {hook: authz}],
  copy: {metadata_admin.team: metadata_public.team}, allowed_origins: [https://app.example.com]`)}, config.Options{})
	if problems != nil {
		t.Fatal(problems)
	}
	want := config.Default().Inviters
	want.Enabled = true
	want.Allow = []map[string]string{{"metadata_public.roles": "lead", "aal": "aal2"}, {"hook": "authz"}}
	want.Copy = map[string]string{"metadata_admin.team": "metadata_public.team"}
	want.AllowedOrigins = []string{"https://app.example.com"}
	if diff := cmp.Diff(want, got.Inviters); diff != "" {
		t.Error(diff)
	}
}

// TestInvitersProblems: whatever would give an invitee what makes an inviter is refused at
// start, for each kind of line, and so is what could never hold.
func TestInvitersProblems(t *testing.T) {
	const may, copies, allow = "inviters.may", "inviters.copy", "inviters.allow"
	for section, key := range map[string]string{
		"":            allow,
		"allow: []":   allow,
		"allow: [{}]": allow + "[0]",
		"allow: [{metadata_public.roles: lead}], may: [email, metadata_public.roles]":                                    may + "[1]",
		"allow: [{metadata_public.roles: lead}], may: [email, metadata_public]":                                          may + "[1]",
		"allow: [{metadata_public.roles: lead}], may: [email, metadata_public.roles.x]":                                  may + "[1]",
		"allow: [{schema_id: employee}], may: [email, schema_id]":                                                        may + "[1]",
		"allow: [{organization_id: 5f0c2f36-0b7a-4d5a-8a0e-6f0f2ac1d9b4}], may: [email, organization_id]":                may + "[1]",
		"allow: [{hook: authz}, {metadata_public.roles: lead}], may: [email, metadata_public.roles]":                     may + "[1]",
		"allow: [{metadata_public.roles: lead}], copy: {metadata_public.roles: metadata_public.roles}":                   copies,
		"allow: [{metadata_public.roles: lead}], copy: {metadata_public.roles.x: traits.name}":                           copies,
		"allow: [{metadata_public.a.b: lead}], copy: {metadata_public.a: metadata_public.a}":                             copies,
		"allow: [{hook: authz}], may: [email, metadata_public.team], copy: {metadata_public.team: metadata_public.team}": copies,
		"allow: [{hook: authz}], copy: {metadata_public.a: traits.a, metadata_public.a.b: traits.b}":                     copies,
		"allow: [{hook: authz}], copy: {metadata_admin.invitation.x: traits.a}":                                          copies,
		"allow: [{hook: authz}], copy: {metadata_admin: traits.a}":                                                       copies,
		"allow: [{hook: authz}], copy: {traits.role: traits.a}":                                                          copies,
		"allow: [{hook: authz}], copy: {metadata_admin.a: metadata_admin.a}":                                             copies,
		"allow: [{traits.role: lead}]":                                        allow + "[0]",
		"allow: [{metadata_admin.role: lead}]":                                allow + "[0]",
		"allow: [{metadata_public: lead}]":                                    allow + "[0]",
		"allow: [{metadata_public..role: lead}]":                              allow + "[0]",
		"allow: [{metadata_public.role: ''}]":                                 allow + "[0]",
		"allow: [{state: active}]":                                            allow + "[0]",
		"allow: [{aal: aal3}]":                                                allow + "[0]",
		"allow: [{hook: other}]":                                              allow + "[0]",
		"allow: [{hook: authz}], may: [locale]":                               may,
		"allow: [{hook: authz}], may: [email, notify]":                        may + "[1]",
		"allow: [{hook: authz}], may: [email, reactivate]":                    may + "[1]",
		"allow: [{hook: authz}], may: [email, keep_addresses]":                may + "[1]",
		"allow: [{hook: authz}], may: [email, identity_id]":                   may + "[1]",
		"allow: [{hook: authz}], may: [email, inviter_name]":                  may + "[1]",
		"allow: [{hook: authz}], may: [email, metadata_admin.team]":           may + "[1]",
		"allow: [{hook: authz}], may: [email, email]":                         may + "[1]",
		"allow: [{hook: authz}], session_cookie: 'a b'":                       "inviters.session_cookie",
		"allow: [{hook: authz}], allowed_origins: ['*']":                      "inviters.allowed_origins[0]",
		"allow: [{hook: authz}], allowed_origins: [https://app.example.com/]": "inviters.allowed_origins[0]",
		"allow: [{hook: authz}], max_pending: -1":                             "inviters.max_pending",
		"allow: [{hook: authz}], rate_limit: {requests: -1}":                  "inviters.rate_limit.requests",
		"allow: [{hook: authz}], rate_limit: {window: 0s}":                    "inviters.rate_limit.window",
		"allow: [{hook: authz}], name_trait: 'name.'":                         "inviters.name_trait",
		"allow: [{hook: authz}], name_trait: traits.name.first":               "inviters.name_trait",
	} {
		_, problems := load(t, []string{inviters(section)}, config.Options{})
		if len(problems) != 1 || !strings.Contains(" "+problems[0], " "+key+": ") {
			t.Errorf("%s: want one problem of %s, got\n%s", section, key, strings.Join(problems, "\n"))
		}
	}
}

// TestInvitersWarnings: a rule that everybody meets who accepts is warned of.
func TestInvitersWarnings(t *testing.T) {
	for section, warned := range map[string]bool{
		"allow: [{aal: aal1}]":                             true,
		"allow: [{schema_id: default}]":                    true,
		"allow: [{schema_id: default, aal: aal2}]":         true,
		"allow: [{schema_id: employee}]":                   false,
		"allow: [{hook: authz}]":                           false,
		"allow: [{metadata_public.role: lead, aal: aal1}]": false,
	} {
		c, problems := load(t, []string{inviters(section), mailServer}, config.Options{})
		if got := c.Warnings(); problems != nil || (len(got) == 1) != warned {
			t.Errorf("%s: %q, %q", section, problems, got)
		}
	}
}

const mailServer = "courier: {smtp: {connection_uri: 'smtp://localhost:25/', from_address: a@example.com}}\n"

// TestInvitersWithoutDelivery: members are given no link, so something has to deliver it.
func TestInvitersWithoutDelivery(t *testing.T) {
	const allow = "allow: [{metadata_public.role: lead}]"
	const other = "hooks: [{id: crm, events: [invitation_token_created], url: https://crm.example.com/}]\n"
	for name, c := range map[string]struct {
		files  []string
		warned bool
	}{
		"nothing":     {[]string{inviters(allow)}, true},
		"email":       {[]string{inviters(allow), mailServer}, false},
		"a hook":      {[]string{inviters(allow), other}, false},
		"not enabled": {[]string{inviters(allow), "inviters: {enabled: false}\n"}, false},
	} {
		cfg, problems := load(t, c.files, config.Options{})
		got := cfg.Warnings()
		if problems != nil || (len(got) == 1 && strings.HasPrefix(got[0], "inviters.enabled: ")) != c.warned || !c.warned && len(got) > 0 {
			t.Errorf("%s: %q, %q", name, problems, got)
		}
	}
}
