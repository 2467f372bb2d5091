package importfile_test

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"invitebridge/bridge"
	"invitebridge/bridge/importfile"
)

var update = flag.Bool("update", false, "rewrite the golden file")

// TestFiles: what files as spreadsheet programs and personnel systems write them
// become. testdata/files.golden has the rows and the error of each.
func TestFiles(t *testing.T) {
	files, err := filepath.Glob("testdata/*.*")
	if err != nil {
		t.Fatal(err)
	}
	const golden = "testdata/files.golden"
	var all strings.Builder
	for _, file := range files {
		format := importfile.CSV
		switch filepath.Ext(file) {
		case ".ndjson", ".json":
			format = importfile.NDJSON
		case ".golden", ".gitattributes":
			continue
		}
		all.WriteString(describe(t, file, format))
	}
	if *update {
		if err := os.WriteFile(golden, []byte(all.String()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), all.String()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// describe returns the columns, the rows and the error of a file.
func describe(t *testing.T, file string, format importfile.Format) string {
	t.Helper()
	content, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer content.Close()
	rows, layout, err := readAll(content, format)
	var text strings.Builder
	fmt.Fprintf(&text, "== %s\n", filepath.Base(file))
	if layout.Separator != "" {
		fmt.Fprintf(&text, "columns %q: %s\n", layout.Separator, strings.Join(layout.Columns, " "))
	}
	for _, row := range rows {
		fmt.Fprintln(&text, row)
	}
	var e *bridge.Error
	if errors.As(err, &e) {
		invalid(t, err)
		fmt.Fprintln(&text, e.Reason)
	} else if err != nil {
		t.Errorf("%s: %v", file, err)
	}
	return text.String()
}
