package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestImportLog: serve logs the steps of an import, with its id and no address.
func TestImportLog(t *testing.T) {
	b := startFakeBridge(t)
	file := filepath.Join(t.TempDir(), "people.csv")
	if err := os.WriteFile(file, []byte("email\nlogged@example.com\nLOGGED@example.com\nno address\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	environ := []string{envAPIKey + "=" + key, envAdminURL + "=" + b.admin}
	code, id, errs := command(t, environ, "import", "invitations", file, "--follow", "-q")
	id = strings.TrimSpace(id)
	if code != exitFailed || id == "" { // a row failed
		t.Fatalf("exit code %d, %q, %s", code, id, errs)
	}
	if code := b.stop(); code != exitOK {
		t.Fatalf("exit code %d", code)
	}
	var got []string
	for line := range strings.Lines(b.log.String()) {
		var entry struct {
			Level, Msg, ID             string
			ImportID                   string `json:"import_id"`
			Rows                       int
			Invited, Duplicate, Failed int
		}
		if json.Unmarshal([]byte(line), &entry) != nil || !strings.HasPrefix(entry.Msg, "import ") {
			continue
		}
		got = append(got, entry.Msg)
		if entry.Level != "info" || entry.ImportID != id || entry.Rows != 3 || strings.Contains(strings.ToLower(line), "logged@") {
			t.Errorf("%s", line)
		}
		if entry.Msg == "import finished" && (entry.Invited != 1 || entry.Duplicate != 1 || entry.Failed != 1) {
			t.Errorf("%s", line)
		}
	}
	if text := strings.Join(got, ", "); text != "import started, import finished" {
		t.Errorf("got %s in\n%s", text, b.log)
	}
}
