//go:build docker

package release_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"

	"invitebridge/kratos/kratostest"
)

// kratosUnit runs Kratos from a directory that has all that it needs, so that the
// libraries of the container do not matter.
const kratosUnit = `[Service]
RootDirectory=/opt/kratos
MountAPIVFS=yes
ExecStart=/usr/bin/kratos serve -c /etc/config/kratos/kratos.yml --dev
Environment=DSN=memory LOG_LEVEL=warning SQA_OPT_OUT=true
Environment=SERVE_PUBLIC_BASE_URL=http://127.0.0.1:4433/
Environment=SELFSERVICE_DEFAULT_BROWSER_RETURN_URL=http://127.0.0.1:4455/
`

// kratosRoot returns a directory with the Kratos of the other tests, the shared
// libraries of this machine that it is linked to, and the configuration of the
// Docker stack.
func kratosRoot(t *testing.T) string {
	t.Helper()
	binary, err := kratostest.Build(t.Context(), os.Stderr)
	if err != nil {
		t.Fatal(err)
	}
	root := t.TempDir()
	install := func(path, source string) {
		content, err := os.ReadFile(source)
		if err != nil {
			t.Fatal(err)
		}
		path = filepath.Join(root, path)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, content, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	install("usr/bin/kratos", binary)
	libraries, err := exec.Command("ldd", binary).Output()
	if err != nil {
		t.Fatal(err)
	}
	for _, found := range regexp.MustCompile(`(/\S+) \(0x`).FindAllStringSubmatch(string(libraries), -1) {
		install(found[1], found[1])
	}
	for _, file := range []string{"kratos.yml", "identity.schema.json"} {
		install("etc/config/kratos/"+file, "../stack/"+file)
	}
	if err := os.MkdirAll(filepath.Join(root, "tmp"), 0o1777); err != nil {
		t.Fatal(err)
	}
	return root
}
