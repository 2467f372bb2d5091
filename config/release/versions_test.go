package release_test

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"invitebridge/config"
)

// version of the next release, or of the last one until the next is prepared.
func version(t *testing.T) string {
	t.Helper()
	found := regexp.MustCompile(`(?m)^version: (\S+)$`).FindStringSubmatch(read(t, "../../docs/helm/invitebridge/Chart.yaml"))
	if found == nil || !regexp.MustCompile(`^\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?$`).MatchString(found[1]) {
		t.Fatalf("the version of the chart is %q", found)
	}
	return found[1]
}

func read(t *testing.T, file string) string {
	t.Helper()
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

// TestVersions: all files that name a version of the bridge name the same.
func TestVersions(t *testing.T) {
	want := version(t)
	for file, named := range map[string]string{
		"../../docs/helm/invitebridge/Chart.yaml": `appVersion: "` + want + `"`,
		"../../docker-compose.yml":                "image: ${BRIDGE_IMAGE:-invitebridge:" + want + "}",
		"../../docs/compose.yml":                  "image: ${BRIDGE_IMAGE:-invitebridge:" + want + "}",
		"../stack/quickstart.override.yml":        "image: ${BRIDGE_IMAGE:-invitebridge:" + want + "}",
	} {
		if !strings.Contains(read(t, file), named) {
			t.Errorf("%s does not have %q", file, named)
		}
	}
}

// TestNotes: the notes of a release are its section of the changelog, and nothing
// is released that has none.
func TestNotes(t *testing.T) {
	root := t.TempDir()
	write := func(file, text string) {
		path := filepath.Join(root, file)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("docs/helm/invitebridge/Chart.yaml", "name: invitebridge\nversion: 1.2.0\n")
	write("CHANGELOG.md", "# Changelog\n\n## Unreleased\n\nnothing\n\n## [1.2.0] - 2026-01-02\n\n### Added\n\n- A.\n\n## 1.1.0\n\n- B.\n\n[1.2.0]: https://example.com\n")
	script, err := filepath.Abs("notes.sh")
	if err != nil {
		t.Fatal(err)
	}
	notes := func(tag string) (string, error) {
		cmd := exec.CommandContext(t.Context(), "sh", script, tag)
		cmd.Dir = root
		out, err := cmd.CombinedOutput()
		return strings.TrimSpace(string(out)), err
	}
	if got, err := notes("v1.2.0"); err != nil || got != "### Added\n\n- A." {
		t.Errorf("%q, %v", got, err)
	}
	if got, err := notes("v1.1.0"); err == nil || !strings.Contains(got, "the Helm chart has version 1.2.0") {
		t.Errorf("another version: %q, %v", got, err)
	}
	write("CHANGELOG.md", "# Changelog\n\n## 1.2.0 - unreleased\n\n- A.\n")
	if got, err := notes("v1.2.0"); err == nil || !strings.Contains(got, "has no date") {
		t.Errorf("without a date: %q, %v", got, err)
	}
	write("CHANGELOG.md", "# Changelog\n\n## Unreleased\n\nnothing\n\n## 1.2.00\n\n- B.\n")
	if got, err := notes("v1.2.0"); err == nil || !strings.Contains(got, "no section for 1.2.0") {
		t.Errorf("no section: %q, %v", got, err)
	}
}

// TestPackageConfiguration: what the packages install lacks an API key, and nothing
// else. With one it is valid, and so is the commented part.
func TestPackageConfiguration(t *testing.T) {
	files := []string{"package/invitebridge.yml", "package/secrets.yml"}
	_, err := config.Load(config.Options{Files: files})
	var problems *config.Error
	if !errors.As(err, &problems) || len(problems.Problems) != 1 || !strings.Contains(err.Error(), "serve.admin.api_keys") {
		t.Errorf("as shipped: %v", err)
	}
	courier := regexp.MustCompile(`(?m)^# ( *[a-z_]+:)`)
	filled := strings.Replace(courier.ReplaceAllString(read(t, files[1]), "$1"), strings.Repeat("0", 64), strings.Repeat("0a", 32), 1)
	secrets := filepath.Join(t.TempDir(), "secrets.yml")
	if err := os.WriteFile(secrets, []byte(filled), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg, err := config.Load(config.Options{Files: []string{files[0], secrets}})
	if err != nil || len(cfg.Serve.Admin.APIKeys) != 1 || cfg.Courier.SMTP.FromAddress != "invitations@example.com" {
		t.Errorf("filled in: %v\n%s", err, filled)
	}
}

// TestImages: the image of a release and the one that is built from source are run
// the same way.
func TestImages(t *testing.T) {
	instruction := regexp.MustCompile(`(?m)^(USER|VOLUME|EXPOSE|HEALTHCHECK|ENTRYPOINT|CMD) .*$`)
	instructions := func(file string) []string {
		_, last, _ := strings.Cut(read(t, file), "FROM scratch\n")
		return instruction.FindAllString(last, -1)
	}
	source, release := instructions("../../Dockerfile"), instructions("Dockerfile")
	if len(source) != 6 || !slices.Equal(source, release) {
		t.Errorf("Dockerfile: %q\nrelease/Dockerfile: %q", source, release)
	}
}
