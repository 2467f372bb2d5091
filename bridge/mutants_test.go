package bridge_test

import (
	"os/exec"
	"path/filepath"
	"testing"
)

// TestMutantsApply: a change of a line that a mutant breaks changes the mutant
// too. Whether a test notices them is for make mutants.
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
