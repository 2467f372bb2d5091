package bridge_test

import (
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// importers lists the only packages that may import a technology, so that it
// can be replaced in one place.
var importers = map[string][]string{
	"github.com/ory/client-go":                       {"invitebridge/kratos"},
	"github.com/go-chi/chi/v5":                       {"invitebridge/bridge/httpapi"},
	"go.etcd.io/bbolt":                               {"invitebridge/bridge/boltstore"},
	"github.com/jackc/pgx/v5":                        {"invitebridge/bridge/pgstore"},
	"github.com/pressly/goose/v3":                    {"invitebridge/bridge/pgstore"},
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
	"github.com/go-json-experiment/json":             {"invitebridge/bridge/httpapi", "invitebridge/kratos"},
}

// testSupport are the packages that may import testing, because nothing that
// ships imports them.
var testSupport = []string{
	"invitebridge/bridge/bridgetest", "invitebridge/bridge/storetest", "invitebridge/bridge/mail/mailtest",
	"invitebridge/bridge/page/pagetest", "invitebridge/bridge/tlsfault/tlstest",
	"invitebridge/bridge/mail/mailtest/mailcatcher", "invitebridge/bridge/tracing/tracingtest",
	"invitebridge/bridge/testenv", "invitebridge/kratos/kratostest", "invitebridge/cmd/bench", "invitebridge/cmd/demo", "invitebridge/cmd/torture",
	"invitebridge/cmd/demo/selfservice", "invitebridge/cmd/demo/selfservice/server",
}

func TestAllowedImports(t *testing.T) {
	imports := listImports(t)
	if len(imports) < 5 {
		t.Fatalf("go list returned %d packages", len(imports))
	}
	for pkg, list := range imports {
		for _, imported := range list {
			if reason := forbidden(pkg, imported); reason != "" {
				t.Errorf("%s imports %s: %s", pkg, imported, reason)
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
	for technology, allowed := range importers {
		if (imported == technology || strings.HasPrefix(imported, technology+"/")) && !slices.Contains(allowed, pkg) {
			return "only " + strings.Join(allowed, ", ") + " may, so that it can be replaced in one place"
		}
	}
	switch {
	case imported == "testing":
		return "shipped packages must not import testing"
	case slices.Contains(testSupport, imported):
		return "shipped packages must not import test support"
	case pkg == "invitebridge/bridge" && strings.Contains(imported, ".") && imported != "github.com/google/uuid":
		return "the domain imports no technology"
	case pkg == "invitebridge/bridge" && slices.Contains([]string{"net/http", "database/sql", "os", "net/smtp"}, imported):
		return "the domain imports no technology"
	case pkg == "invitebridge/bridge/httpapi" && imported == "invitebridge/bridge/page":
		return "" // httpapi serves what page renders
	case pkg == "invitebridge/bridge/httpapi" && imported == "invitebridge/bridge/importfile":
		return "" // httpapi serves the files that importfile reads and writes
	case imported == "invitebridge/bridge/tlsfault" && pkg != "invitebridge/bridge" && pkg != "invitebridge/config":
		return "" // texts about crypto/tls errors, the same everywhere
	case strings.HasPrefix(imported, "invitebridge/") && !isCommand && imported != "invitebridge/bridge":
		return "packages of one technology import the domain, never each other"
	case pkg == "invitebridge/config" && strings.HasPrefix(imported, "invitebridge/"):
		return "configuration is read before anything else exists"
	}
	return ""
}

// listImports returns what each package of the module imports, without its
// tests.
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

func TestAllowedImportsCatches(t *testing.T) {
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
