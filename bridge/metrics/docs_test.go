package metrics

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"
)

// docs reads a file of the docs directory.
func docs(t *testing.T, name string) []byte {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "docs", name))
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// family is the type of a metric and its labels, as documented.
type family struct{ kind, labels string }

// families returns what the registry exposes, by name.
func families(t *testing.T) map[string]family {
	t.Helper()
	gathered, err := everything().registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	all := make(map[string]family)
	for _, f := range gathered {
		var labels []string
		for _, l := range f.GetMetric()[0].GetLabel() {
			labels = append(labels, l.GetName())
		}
		slices.Sort(labels)
		all[f.GetName()] = family{strings.ToLower(f.GetType().String()), strings.Join(labels, " ")}
	}
	return all
}

var row = regexp.MustCompile("(?m)^\\| `(invitebridge_[a-z_]+)` \\| ([a-z]+) \\| ([^|]*)\\| [^|]+ \\|$")

// TestDocumented: the table of metrics and the registry agree.
func TestDocumented(t *testing.T) {
	got := make(map[string]family)
	for _, columns := range row.FindAllStringSubmatch(string(docs(t, "observability.md")), -1) {
		labels := strings.Fields(strings.NewReplacer("`", "", ",", " ").Replace(columns[3]))
		slices.Sort(labels)
		got[columns[1]] = family{columns[2], strings.Join(labels, " ")}
	}
	want := families(t)
	maps.DeleteFunc(want, func(name string, _ family) bool { return !strings.HasPrefix(name, namespace) })
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(family{})); diff != "" {
		t.Errorf("metrics (-registry +documentation):\n%s", diff)
	}
}

var (
	metricName = regexp.MustCompile(`\b(invitebridge|go|process)_[a-z0-9_]+`)
	selector   = regexp.MustCompile(`\b([a-z_]+)\{([^}]*)\}`)
	matcher    = regexp.MustCompile(`([a-z_]+)(=|!=|=~|!~)"`)
	grouping   = regexp.MustCompile(`\bby \(([a-z_, ]*)\)`)
)

// targetLabels are the labels that Prometheus adds to every target.
var targetLabels = []string{"instance", "job"}

// assertKnown checks that the metrics and labels of an expression exist.
func assertKnown(t *testing.T, where, expr string) {
	t.Helper()
	all := families(t)
	known := func(name string) (family, bool) {
		for _, suffix := range []string{"", "_bucket", "_sum", "_count"} {
			if f, ok := all[strings.TrimSuffix(name, suffix)]; ok && (suffix == "") != (f.kind == "histogram") {
				return f, true
			}
		}
		return family{}, false
	}
	names := metricName.FindAllString(expr, -1)
	labels := append([]string{"le"}, targetLabels...)
	for _, name := range names {
		f, ok := known(name)
		if !ok {
			t.Errorf("%s: there is no metric %s", where, name)
		}
		labels = append(labels, strings.Fields(f.labels)...)
	}
	if len(names) == 0 {
		t.Errorf("%s: %q names no metric", where, expr)
	}
	for _, s := range selector.FindAllStringSubmatch(expr, -1) {
		f, _ := known(s[1])
		for _, m := range matcher.FindAllStringSubmatch(s[2], -1) {
			if !slices.Contains(append(strings.Fields(f.labels), targetLabels...), m[1]) {
				t.Errorf("%s: %s has no label %s", where, s[1], m[1])
			}
		}
	}
	for _, g := range grouping.FindAllStringSubmatch(expr, -1) {
		for _, label := range strings.Split(g[1], ", ") {
			if !slices.Contains(labels, label) {
				t.Errorf("%s: there is no label %s", where, label)
			}
		}
	}
}

var scrapeConfig = regexp.MustCompile("(?s)```yaml\n(scrape_configs:.*?)```")

// TestScrapeConfig checks the documented scrape configuration with promtool.
func TestScrapeConfig(t *testing.T) {
	found := scrapeConfig.FindSubmatch(docs(t, "observability.md"))
	if found == nil {
		t.Fatal("observability.md has no scrape configuration")
	}
	path := filepath.Join(t.TempDir(), "prometheus.yml")
	if err := os.WriteFile(path, found[1], 0o600); err != nil {
		t.Fatal(err)
	}
	promtool(t, nil, "check", "config", "--syntax-only", path)
}

// TestAlerts checks the alerting rules against the registry and with promtool.
func TestAlerts(t *testing.T) {
	var file struct {
		Groups []struct {
			Rules []struct{ Alert, Expr string }
		}
	}
	text := docs(t, "alerts.yml")
	if err := yaml.Unmarshal(text, &file); err != nil || len(file.Groups) != 1 || len(file.Groups[0].Rules) < 10 {
		t.Fatalf("%+v, %v", file, err)
	}
	tests, err := os.ReadFile(filepath.Join("testdata", "alerts.yml"))
	if err != nil {
		t.Fatal(err)
	}
	for _, rule := range file.Groups[0].Rules {
		assertKnown(t, rule.Alert, rule.Expr)
		if strings.Count(string(tests), rule.Alert) < 2 {
			t.Errorf("%s: no tests in which it fires and does not fire", rule.Alert)
		}
	}
	promtool(t, nil, "check", "rules", filepath.Join("..", "..", "docs", "alerts.yml"))
	promtool(t, nil, "test", "rules", filepath.Join("testdata", "alerts.yml"))
}

// TestDashboard checks the dashboard against the registry and its expressions with
// promtool, and that its data source can be selected.
func TestDashboard(t *testing.T) {
	type source struct{ UID string }
	var board struct {
		Templating struct{ List []struct{ Name, Type string } }
		Panels     []struct {
			ID          int
			Type, Title string
			Datasource  source
			GridPos     struct{ X, Y, W, H int }
			Targets     []struct {
				Expr       string
				Datasource source
			}
		}
	}
	if err := json.Unmarshal(docs(t, "grafana-dashboard.json"), &board); err != nil {
		t.Fatal(err)
	}
	if list := board.Templating.List; len(list) == 0 || list[0].Name != "datasource" || list[0].Type != "datasource" {
		t.Errorf("variables %+v", list)
	}
	shown, ids := "", make(map[int]bool)
	taken := make(map[[2]int]string)
	var rules strings.Builder
	rules.WriteString("groups:\n- name: dashboard\n  rules:\n")
	for _, p := range board.Panels {
		if ids[p.ID] {
			t.Errorf("%s: its id is used twice", p.Title)
		}
		ids[p.ID] = true
		for x := p.GridPos.X; x < p.GridPos.X+p.GridPos.W; x++ {
			for y := p.GridPos.Y; y < p.GridPos.Y+p.GridPos.H; y++ {
				if other := taken[[2]int{x, y}]; other != "" || x >= 24 {
					t.Fatalf("%s overlaps %q, or is outside the grid", p.Title, other)
				}
				taken[[2]int{x, y}] = p.Title
			}
		}
		if p.Type == "row" {
			continue
		}
		if len(p.Targets) == 0 || p.Datasource.UID != "${datasource}" {
			t.Errorf("%s: %+v", p.Title, p)
		}
		for i, target := range p.Targets {
			if target.Datasource.UID != "${datasource}" {
				t.Errorf("%s: its data source is %q", p.Title, target.Datasource.UID)
			}
			assertKnown(t, p.Title, target.Expr)
			shown += target.Expr + "\n"
			plain := strings.NewReplacer("$__rate_interval", "5m", "$__range", "6h", "$instance", ".*").Replace(target.Expr)
			fmt.Fprintf(&rules, "  - {record: 'panel%d:%d', expr: '%s'}\n", p.ID, i, plain)
		}
	}
	for name := range families(t) {
		if strings.HasPrefix(name, namespace) && !strings.Contains(shown, name) {
			t.Errorf("no panel shows %s", name)
		}
	}
	path := filepath.Join(t.TempDir(), "rules.yml")
	if err := os.WriteFile(path, []byte(rules.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	promtool(t, nil, "check", "rules", path)
}
