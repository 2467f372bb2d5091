package docs

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestUnit: systemd accepts the unit, and rates its exposure at most 1.5 of 10.
func TestUnit(t *testing.T) {
	analyze := tool(t, "systemd-analyze")
	unit := write(t, filepath.Join(t.TempDir(), "invitebridge.service"),
		replaced(t, "systemd/invitebridge.service", "ExecStart=/usr/local/bin/invitebridge", "ExecStart="+build(t)))
	out, err := exec.CommandContext(t.Context(), analyze, "verify", unit).CombinedOutput()
	// An unknown key is only a warning.
	if err != nil || strings.Contains(string(out), unit) {
		t.Errorf("verify: %v\n%s", err, out)
	}
	out, err = exec.CommandContext(t.Context(), analyze, "security", "--offline=true", "--threshold=15", "--no-pager", unit).CombinedOutput()
	if err != nil {
		t.Errorf("security: %v\n%s", err, out)
	}
}
