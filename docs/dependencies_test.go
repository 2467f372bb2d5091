package docs

import (
	"encoding/json"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// dependency is what dependencies.md or the go command says of a module.
type dependency struct{ version, released, in string }

// TestDependencies compares the table in dependencies.md with the direct
// requirements in go.mod, their dates, and the modules linked into the binary. A
// module that only tests need therefore cannot reach the binary unnoticed.
func TestDependencies(t *testing.T) {
	rows, required := documentedDependencies(t), directDependencies(t)
	for path, want := range required {
		row, found := rows[path]
		if sameRelease(row.released, want.released) {
			want.released = row.released
		}
		switch {
		case !found:
			t.Errorf("dependencies.md has no row for %s %s, released %s, in: %s", path, want.version, want.released, want.in)
		case row != want:
			t.Errorf("dependencies.md says %+v of %s, want %+v", row, path, want)
		}
	}
	for path := range rows {
		if _, found := required[path]; !found {
			t.Errorf("dependencies.md has a row for %s, which go.mod does not require directly", path)
		}
	}
}

// sameRelease reports whether two dates can be those of one release. Module proxies differ
// by some minutes, and so may be on both sides of midnight. An unknown date, which the
// module cache does not have while nothing is downloaded, can be any.
func sameRelease(documented, known string) bool {
	a, errA := time.Parse(time.DateOnly, documented)
	b, errB := time.Parse(time.DateOnly, known)
	return known == "" || errA == nil && errB == nil && a.Sub(b).Abs() <= 24*time.Hour
}

// TestUntaggedDependenciesHaveReasons requires a comment in go.mod on each direct
// requirement of a commit that belongs to no release.
func TestUntaggedDependenciesHaveReasons(t *testing.T) {
	requirements := read(t, "../go.mod")
	untagged := regexp.MustCompile(`-\d{14}-[0-9a-f]{12}$`)
	for path, d := range directDependencies(t) {
		if untagged.MatchString(d.version) && !strings.Contains(requirements, path+" "+d.version+" // ") {
			t.Errorf("go.mod gives no reason for %s %s", path, d.version)
		}
	}
}

var dependencyRow = regexp.MustCompile("(?m)^\\| `(\\S+)` \\| [^|]+ \\| (binary|tests) \\| [^|]+ \\| (\\S+), (\\d{4}-\\d\\d-\\d\\d) \\|$")

func documentedDependencies(t *testing.T) map[string]dependency {
	t.Helper()
	rows := map[string]dependency{}
	for _, cells := range dependencyRow.FindAllStringSubmatch(read(t, "dependencies.md"), -1) {
		rows[cells[1]] = dependency{version: cells[3], released: cells[4], in: cells[2]}
	}
	return rows
}

// directDependencies returns the direct requirements by path. It uses no network.
func directDependencies(t *testing.T) map[string]dependency {
	t.Helper()
	var mod struct {
		Require []struct {
			Path, Version string
			Indirect      bool
		}
	}
	decodeJSON(t, goOutput(t, "mod", "edit", "-json"), &mod)
	linked := strings.Fields(goOutput(t, "list", "-deps", "-f", "{{with .Module}}{{.Path}}{{end}}", "invitebridge/cmd/invitebridge"))
	dependencies := map[string]dependency{}
	for _, r := range mod.Require {
		if r.Indirect {
			continue
		}
		d := dependency{version: r.Version, in: "tests"}
		if slices.Contains(linked, r.Path) {
			d.in = "binary"
		}
		var info struct{ Time time.Time }
		decodeJSON(t, goOutput(t, "list", "-m", "-e", "-json", r.Path), &info)
		if !info.Time.IsZero() {
			d.released = info.Time.UTC().Format(time.DateOnly)
		}
		dependencies[r.Path] = d
	}
	if len(dependencies) == 0 {
		t.Fatal("go.mod has no direct requirements")
	}
	return dependencies
}

func goOutput(t *testing.T, args ...string) string {
	t.Helper()
	command := exec.CommandContext(t.Context(), "go", args...)
	command.Dir = ".."
	command.Env = append(os.Environ(), "GOPROXY=off")
	command.Stderr = os.Stderr
	out, err := command.Output()
	if err != nil {
		t.Fatalf("go %s: %v", strings.Join(args, " "), err)
	}
	return string(out)
}

func decodeJSON(t *testing.T, text string, into any) {
	t.Helper()
	if err := json.Unmarshal([]byte(text), into); err != nil {
		t.Fatal(err)
	}
}
