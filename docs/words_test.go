package docs_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// privateWords are expressions that readers would search for in vain, or stumble
// over; CONTRIBUTING.md asks for the field's terms. (They are split here, so that
// this file contains none.)
var privateWords = regexp.MustCompile(`(?i)\b(` + strings.Join([]string{
	"who" + "ever", "by another" + " road", "to be" + " had", "for" + "saken", "dis" + "pel", "tal" + "ly", "is" + " away",
	"says" + " whether", "gave no" + " answer", "nobody" + " knows", "me" + "nds?", "to" + "ld", "bears the" + " mark",
}, "|") + `)\b`)

// TestPlainWords: no text that people read uses a private word.
func TestPlainWords(t *testing.T) {
	for path, text := range tracked(t, ".go", ".md", ".yml", ".yaml", ".sh", ".txtar", ".tmpl", "Makefile", "Dockerfile") {
		for _, found := range privateWords.FindAllIndex(text, -1) {
			line := 1 + bytes.Count(text[:found[0]], []byte("\n"))
			t.Errorf("%s:%d: %q is not the usual term", path, line, text[found[0]:found[1]])
		}
	}
}

// TestFileLength: a Go file is read in one sitting.
func TestFileLength(t *testing.T) {
	for path, text := range tracked(t, ".go") {
		if n := bytes.Count(text, []byte("\n")); n > 300 {
			t.Errorf("%s has %d lines: split it by subject", path, n)
		}
	}
}

// tracked returns the files of the repository with these endings by their paths.
func tracked(t *testing.T, endings ...string) map[string][]byte {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "git", "-C", "..", "ls-files", "-z", "--cached", "--others", "--exclude-standard").Output()
	if err != nil {
		t.Fatal(err)
	}
	files := make(map[string][]byte)
	for path := range strings.SplitSeq(strings.TrimRight(string(out), "\x00"), "\x00") {
		if !slices.ContainsFunc(endings, func(e string) bool { return strings.HasSuffix(path, e) }) {
			continue
		}
		text, err := os.ReadFile(filepath.Join("..", path))
		if os.IsNotExist(err) {
			continue // deleted, and not committed yet
		} else if err != nil {
			t.Fatal(err)
		}
		files[path] = text
	}
	if len(files) < 50 {
		t.Fatalf("%d files", len(files))
	}
	return files
}
