package bridge_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestReadingOrder: the reading order in doc.go names every file of the package
// except doc.go and tests exactly once, and no other.
func TestReadingOrder(t *testing.T) {
	text, err := os.ReadFile("doc.go")
	if err != nil {
		t.Fatal(err)
	}
	_, order, found := strings.Cut(string(text), "# Reading order")
	if !found {
		t.Fatal("doc.go has no section \"Reading order\"")
	}
	named := regexp.MustCompile(`\b[a-z_]+\.go\b`).FindAllString(order, -1)
	slices.Sort(named)

	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	files = slices.DeleteFunc(files, func(name string) bool { return name == "doc.go" || strings.HasSuffix(name, "_test.go") })
	if diff := cmp.Diff(files, named); diff != "" {
		t.Errorf("files that are missing (-) or do not exist (+) in the reading order of doc.go:\n%s", diff)
	}
}
