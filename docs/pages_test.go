package docs

import (
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"unicode"
)

// pages returns the relative paths of all Markdown pages of the project.
func pages(t *testing.T) []string {
	t.Helper()
	var found []string
	for _, pattern := range []string{"../*.md", "*.md", "*/*.md"} {
		files, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		found = append(found, files...)
	}
	return found
}

// prose returns the page without its code blocks.
func prose(t *testing.T, page string) string {
	t.Helper()
	return regexp.MustCompile("(?ms)^ *```.*?^ *```$").ReplaceAllString(replaced(t, page), "")
}

// anchors returns the anchors of a page's headings, as GitHub generates them.
func anchors(t *testing.T, page string) map[string]bool {
	t.Helper()
	names, count := map[string]bool{}, map[string]int{}
	for _, heading := range regexp.MustCompile(`(?m)^#+ +(.*)$`).FindAllStringSubmatch(prose(t, page), -1) {
		name := strings.Map(func(r rune) rune {
			switch {
			case r == ' ':
				return '-'
			case r == '-' || r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r):
				return unicode.ToLower(r)
			}
			return -1
		}, heading[1])
		if n := count[name]; n > 0 {
			names[name+"-"+strconv.Itoa(n)] = true
		} else {
			names[name] = true
		}
		count[name]++
	}
	return names
}

// TestLinks: every relative link refers to an existing file, and every anchor to a
// heading.
func TestLinks(t *testing.T) {
	link := regexp.MustCompile(`\]\(([^)\s]+)\)`)
	for _, page := range pages(t) {
		for _, found := range link.FindAllStringSubmatch(prose(t, page), -1) {
			if strings.Contains(found[1], "://") || strings.HasPrefix(found[1], "mailto:") {
				continue
			}
			path, anchor, _ := strings.Cut(found[1], "#")
			target := page
			if path != "" {
				target = filepath.Join(filepath.Dir(page), path)
			}
			if _, err := os.Stat(target); err != nil {
				t.Errorf("%s links to %s: %v", page, found[1], err)
			} else if anchor != "" && !anchors(t, target)[anchor] {
				t.Errorf("%s links to %s, which has no such heading", page, found[1])
			}
		}
	}
}

// TestIndex: docs/README.md links to every page in its directory.
func TestIndex(t *testing.T) {
	index := replaced(t, "README.md")
	files, err := filepath.Glob("*.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		if file != "README.md" && !strings.Contains(index, "]("+file+")") {
			t.Errorf("docs/README.md does not link to %s", file)
		}
	}
}

// TestReadmeIsShort: the README can be read in two minutes.
func TestReadmeIsShort(t *testing.T) {
	const most = 150
	if n := strings.Count(replaced(t, "../README.md"), "\n"); n > most {
		t.Errorf("README.md has %d lines, want at most %d: move something to docs", n, most)
	}
}

// TestNamedTests: every test, fuzzer and benchmark that a page names exists.
func TestNamedTests(t *testing.T) {
	exists := map[string]bool{}
	declared := regexp.MustCompile(`(?m)^func ((?:Test|Fuzz|Benchmark)\w+)\(`)
	err := filepath.WalkDir("..", func(path string, _ os.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		source, err := os.ReadFile(path)
		for _, found := range declared.FindAllStringSubmatch(string(source), -1) {
			exists[found[1]] = true
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	named := regexp.MustCompile("`((?:Test|Fuzz|Benchmark)[A-Z]\\w*)")
	for _, page := range pages(t) {
		for _, found := range named.FindAllStringSubmatch(replaced(t, page), -1) {
			if !exists[found[1]] {
				t.Errorf("%s names %s, which does not exist", page, found[1])
			}
		}
	}
}
