package config_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"invitebridge/config"
)

func TestReload(t *testing.T) {
	tls := config.TLS{Cert: config.PEM{Path: "/c"}, Key: config.PEM{Path: "/k"}}
	for name, c := range map[string]struct {
		change                func(*config.Config)
		changed, needsRestart []string
	}{
		"nothing":   {func(*config.Config) {}, nil, nil},
		"a hook":    {func(c *config.Config) { c.Hooks = []config.Hook{{ID: "crm"}} }, []string{"hooks"}, nil},
		"the key":   {func(c *config.Config) { c.Serve.Admin.APIKeys = []config.APIKey{{Name: "b", Key: "x"}} }, []string{"serve.admin.api_keys"}, nil},
		"the level": {func(c *config.Config) { c.Log.Level = "debug" }, []string{"log.level"}, nil},
		"mail": {func(c *config.Config) { c.Courier.SMTP.FromName = "x"; c.Courier.TemplateOverridePath = "/t" },
			[]string{"courier.smtp.from_name", "courier.template_override_path"}, nil},
		"the page":      {func(c *config.Config) { c.Page.Title = "x" }, []string{"page.title"}, nil},
		"address guard": {func(c *config.Config) { c.Clients.HTTP.DisallowPrivateIPRanges = true }, []string{"clients.http.disallow_private_ip_ranges"}, nil},
		"a certificate": {func(c *config.Config) { c.Serve.Public.TLS.Cert.Path = "/d" }, []string{"serve.public.tls.cert.path"}, nil},
		"HTTPS off":     {func(c *config.Config) { c.Serve.Public.TLS = config.TLS{} }, nil, []string{"serve.public.tls.cert.path", "serve.public.tls.key.path"}},
		"HTTPS on":      {func(c *config.Config) { c.Serve.Admin.TLS = tls }, nil, []string{"serve.admin.tls.cert.path", "serve.admin.tls.key.path"}},
		"both kinds": {func(c *config.Config) {
			c.Log = config.Log{Level: "error", Format: "text"}
			c.Invitation.Lifespan = config.Duration(time.Hour)
		}, []string{"log.level"}, []string{"invitation.lifespan", "log.format"}},
	} {
		t.Run(name, func(t *testing.T) {
			from := config.Default()
			from.Serve.Public.TLS = tls
			next := from
			c.change(&next)
			got, changed, needsRestart := from.ApplyReloadable(next)
			if diff := cmp.Diff([][]string{c.changed, c.needsRestart}, [][]string{changed, needsRestart}); diff != "" {
				t.Errorf("changed and needsRestart (-want +got):\n%s", diff)
			}
			if _, again, still := got.ApplyReloadable(next); again != nil || cmp.Diff(still, needsRestart) != "" {
				t.Errorf("applied again: changed %v, needsRestart %v", again, still)
			}
		})
	}
}

func TestFiles(t *testing.T) {
	c := config.Default()
	c.Serve.Admin.TLS = config.TLS{Cert: config.PEM{Path: "/c"}, Key: config.PEM{Base64: "QQ=="}}
	c.Hooks = []config.Hook{{Body: "base64://QQ=="}, {Body: "file:///b.jsonnet"}, {}}
	c.Courier.TemplateOverridePath = "/t"
	c.Page = config.Page{LogoPath: "/l", CSSPath: "/s", TemplateOverridePath: "/p"}
	if diff := cmp.Diff([]string{"/c", "/b.jsonnet", "/t", "/l", "/s", "/p"}, c.Files()); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
}
