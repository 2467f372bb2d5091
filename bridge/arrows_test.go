package bridge_test

import (
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// owners says which packages alone may import a technology. The reason is one
// and the same: who wants to replace it has one place to look at.
var owners = map[string][]string{
	"github.com/ory/client-go":                       {"invitebridge/kratos"},
	"github.com/go-chi/chi/v5":                       {"invitebridge/bridge/httpapi"},
	"go.etcd.io/bbolt":                               {"invitebridge/bridge/boltstore"},
	"github.com/jackc/pgx/v5":                        {"invitebridge/bridge/pgstore"},
	"github.com/spf13/cobra":                         {"invitebridge/cmd/invitebridge"},
	"golang.org/x/net/idna":                          {"invitebridge/cmd/invitebridge", "invitebridge/config"},
	"go.yaml.in/yaml/v3":                             {"invitebridge/config", "invitebridge/cmd/invitebridge"},
	"invitebridge/config":                            {"invitebridge/cmd/invitebridge"},
	"github.com/rs/cors":                             {"invitebridge/bridge/httpapi"},
	"github.com/wneessen/go-mail":                    {"invitebridge/bridge/mail"},
	"github.com/google/go-jsonnet":                   {"invitebridge/bridge/webhook"},
	"github.com/standard-webhooks/standard-webhooks": {"invitebridge/bridge/webhook"},
	"code.dny.dev/ssrf":                              {"invitebridge/bridge/webhook"},
	"github.com/chromedp":                            {"invitebridge/bridge/page/pagetest"},
	"golang.org/x/time/rate":                         {"invitebridge/bridge/httpapi"},
	"github.com/prometheus/client_golang":            {"invitebridge/bridge/metrics"},
	"go.opentelemetry.io":                            {"invitebridge/bridge/tracing"},
}

// testSupport may import testing: nothing that ships imports it.
var testSupport = []string{
	"invitebridge/bridge/bridgetest", "invitebridge/bridge/storetest", "invitebridge/bridge/mail/mailtest",
	"invitebridge/bridge/page/pagetest", "invitebridge/bridge/tlsfault/tlstest",
	"invitebridge/bridge/mail/mailtest/mailcatcher", "invitebridge/bridge/tracing/tracingtest",
	"invitebridge/kratos/kratostest", "invitebridge/cmd/demo", "invitebridge/cmd/torture",
	"invitebridge/cmd/demo/selfservice", "invitebridge/cmd/demo/selfservice/server",
}

func TestArrows(t *testing.T) {
	imports := listImports(t)
	if len(imports) < 5 {
		t.Fatalf("go list gave %d packages", len(imports))
	}
	for pkg, list := range imports {
		for _, imported := range list {
			if why := forbidden(pkg, imported); why != "" {
				t.Errorf("%s imports %s: %s", pkg, imported, why)
			}
		}
	}
}

func forbidden(pkg, imported string) string {
	isCommand := strings.HasPrefix(pkg, "invitebridge/cmd/")
	support := slices.Contains(testSupport, pkg)
	if support {
		return ""
	}
	for technology, allowed := range owners {
		if (imported == technology || strings.HasPrefix(imported, technology+"/")) && !slices.Contains(allowed, pkg) {
			return "only " + strings.Join(allowed, ", ") + " may, so that it can be replaced in one place"
		}
	}
	switch {
	case imported == "testing":
		return "what ships must not carry test code"
	case slices.Contains(testSupport, imported):
		return "what ships must not carry test support"
	case pkg == "invitebridge/bridge" && strings.Contains(imported, ".") && imported != "github.com/google/uuid":
		return "the domain is free of technology"
	case pkg == "invitebridge/bridge" && slices.Contains([]string{"net/http", "database/sql", "os", "net/smtp"}, imported):
		return "the domain is free of technology"
	case pkg == "invitebridge/bridge/httpapi" && imported == "invitebridge/bridge/page":
		return "" // it serves what the other renders
	case imported == "invitebridge/bridge/tlsfault" && pkg != "invitebridge/bridge" && pkg != "invitebridge/config":
		return "" // words about crypto/tls, so that all speak of a fault alike
	case strings.HasPrefix(imported, "invitebridge/") && !isCommand && imported != "invitebridge/bridge":
		return "packages of one technology know the domain, and never each other"
	case pkg == "invitebridge/config" && strings.HasPrefix(imported, "invitebridge/"):
		return "configuration is read before anything else exists"
	}
	return ""
}

// listImports gives what each package of the module imports, without its tests.
func listImports(t *testing.T) map[string][]string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "go", "list", "-f", "{{.ImportPath}} {{join .Imports \" \"}}", "invitebridge/...").Output()
	if err != nil {
		t.Fatal(err)
	}
	imports := make(map[string][]string)
	for line := range strings.Lines(string(out)) {
		fields := strings.Fields(line)
		imports[fields[0]] = fields[1:]
	}
	return imports
}

func TestArrowsCatchTrespassers(t *testing.T) {
	for pkg, imported := range map[string]string{
		"invitebridge/bridge":           "github.com/go-chi/chi/v5",
		"invitebridge/bridge/httpapi":   "invitebridge/bridge/boltstore",
		"invitebridge/bridge/boltstore": "github.com/ory/client-go",
		"invitebridge/config":           "invitebridge/bridge",
		"invitebridge/kratos":           "testing",
		"invitebridge/cmd/invitebridge": "invitebridge/kratos/kratostest",
		"invitebridge/bridge/tracing":   "github.com/prometheus/client_golang/prometheus",
		"invitebridge/bridge/outbox":    "go.opentelemetry.io/otel/trace",
	} {
		if forbidden(pkg, imported) == "" {
			t.Errorf("%s may import %s", pkg, imported)
		}
	}
}
