package mail

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestConnectionURI(t *testing.T) {
	type summary struct {
		Address         string
		Implicit, Clear bool
		Name            string
		AnyCertificate  bool
		Login           bool
	}
	for uri, want := range map[string]summary{
		"smtp://mail.test":                                    {Address: "mail.test:587", Name: "mail.test"},
		"smtps://mail.test/":                                  {Address: "mail.test:465", Name: "mail.test", Implicit: true},
		"smtp://u:p@mail.test:25/":                            {Address: "mail.test:25", Name: "mail.test", Login: true},
		"smtp://u%40x:p%2F%3F%23@[::1]:2525/":                 {Address: "::1:2525", Name: "::1", Login: true},
		"smtp://mail_slurper:1025?disable_starttls=true":      {Address: "mail_slurper:1025", Name: "mail_slurper", Clear: true},
		"smtps://mail.test/?disable_starttls=true":            {Address: "mail.test:465", Name: "mail.test", Implicit: true},
		"smtp://10.0.0.1/?skip_ssl_verify=true&server_name=m": {Address: "10.0.0.1:587", Name: "m", AnyCertificate: true},
		"smtp://10.0.0.1/?disable_starttls=false":             {Address: "10.0.0.1:587", Name: "10.0.0.1"},
	} {
		s, problems := parseServer(uri)
		if len(problems) > 0 {
			t.Errorf("%s: %v", uri, problems)
			continue
		}
		got := summary{s.host + ":" + s.port, s.implicit, s.clear, s.tls.ServerName, s.tls.InsecureSkipVerify, s.login != nil}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", uri, diff)
		}
	}
	for uri, want := range map[string]error{
		"":                                       errURIMissing,
		"mail.test:587":                          errURIShape,
		"smtp:mail.test":                         errURIShape,
		"smtp://":                                errURIShape,
		"smtp://mail .test":                      errURIShape,
		"http://mail.test":                       errURIScheme,
		"smtp://mail.test/inbox":                 errURIPath,
		"smtp://mail.test/#x":                    errURIPath,
		"smtp://mail.test:0/":                    errURIPort,
		"smtp://mail.test:65536":                 errURIPort,
		"smtp://mail.test:x":                     errURIShape,
		"smtp://u@mail.test":                     errURIUser,
		"smtp://:p@mail.test":                    errURIUser,
		"smtp://u:%0d%0a@m.test":                 errURISecret,
		"smtp://mail.test?skip_ssl_verify=maybe": errURIVerify,
		"smtp://mail.test?disable_starttls=":     errURIStartTLS,
		"smtp://mail.test?disable_starttls=true&disable_starttls=true": errURIParam,
		"smtp://mail.test?server_name=a%20b":                           errURIName,
		"smtp://mail.test?legacy=1":                                    errURIParam,
		"smtp://mail.test?%zz":                                         errURIParam,
	} {
		if _, problems := parseServer(uri); !slices.Contains(problems, want) {
			t.Errorf("%s: got %v, want %v", uri, problems, want)
		}
	}
}

// TestProblems: New reports all problems at once, and quotes no part of a password
// that was parsed as something else.
func TestProblems(t *testing.T) {
	_, err := New(Config{
		ConnectionURI: "http://" + canaryUser + ":@mail.test:99999/?x=1", FromAddress: "Acme <a@acme.example>", FromName: "Ac\nme",
		LocalName: "a b", TemplateOverridePath: t.TempDir(),
	})
	if err == nil {
		t.Fatal("no error")
	}
	for _, want := range []error{errURIScheme, errURIPort, errURIUser, errURIParam} {
		if !strings.Contains(err.Error(), want.Error()) {
			t.Errorf("lacks %q", want)
		}
	}
	for _, want := range []string{"from_address", "from_name", "local_name", "template_override_path"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("lacks %s", want)
		}
	}
	noCanary(t, err.Error())
	for _, uri := range []string{
		"smtp://" + canaryUser + ":" + canaryPassword + "@mail.test/", "smtp://" + canaryUser + ":12/" + canaryPassword,
		"smtp://" + canaryUser + ":12?" + canaryPassword, "smtp://" + canaryUser + ":12#" + canaryPassword,
		"smtp://" + canaryPassword, canaryPassword, "smtp://u:%zz" + canaryPassword, "smtp://u:p@m?server_name=" + canaryPassword,
	} {
		if _, err := New(config(uri)); err == nil {
			t.Errorf("%s is accepted", uri)
		} else {
			noCanary(t, err.Error())
		}
	}
}

func TestFromAddress(t *testing.T) {
	for address, good := range map[string]bool{
		"invitations@acme.example": true, "No-Reply@Acme.example": true, "a@localhost": true,
		"": false, "acme": false, "<a@acme.example>": false, "A <a@acme.example>": false, "a@acme.example, b@acme.example": false,
		"a@acme.example\r\nBcc: b@acme.example": false, `"a b"@acme.example`: false, "ä@acme.example": false, "a@münchen.de": false,
		"a@acme.example> SIZE=1": false, "a@[127.0.0.1]": false,
	} {
		c := config("smtp://mail.test")
		c.FromAddress = address
		if _, err := New(c); (err == nil) != good {
			t.Errorf("%q: %v", address, err)
		}
	}
}

// TestPrinting: a printed Mailer shows no credentials.
func TestPrinting(t *testing.T) {
	m := newMailer(t, "smtp://"+credentials+"@mail.test/", nil)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s"} {
		noCanary(t, fmt.Sprintf(verb, m)+fmt.Sprintf(verb, *m)+fmt.Sprintf(verb, m.server))
	}
}
