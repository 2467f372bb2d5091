package bridge_test

import (
	"os/exec"
	"path/filepath"
	"testing"
)

// TestMutantsApply: every mutant applies, so that changing a line that a mutant
// breaks requires changing the mutant. Whether tests notice them is checked by
// make mutants.
func TestMutantsApply(t *testing.T) {
	patches, err := filepath.Glob("mutants/*.patch")
	if err != nil || len(patches) < 25 {
		t.Fatalf("%d patches, %v", len(patches), err)
	}
	for _, patch := range patches {
		apply := exec.CommandContext(t.Context(), "git", "apply", "--check", filepath.Join("bridge", patch))
		apply.Dir = ".."
		if out, err := apply.CombinedOutput(); err != nil {
			t.Errorf("%s: %s", patch, out)
		}
	}
}
