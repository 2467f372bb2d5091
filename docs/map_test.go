package docs

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestMap: the tests, the Go files and the functions that the map names are
// there, under these names.
func TestMap(t *testing.T) {
	source := make(map[string]string)
	for _, file := range filesBelow(t, "..", ".go") {
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		source[file] = string(content)
	}
	declares := func(name string) func(string) bool {
		return regexp.MustCompile(`(?m)^func (?:\([^)]*\) )?` + name + `\(`).MatchString
	}
	for _, page := range []string{"../ARCHITECTURE.md", "../CONTRIBUTING.md"} {
		text := replaced(t, page)
		for _, name := range regexp.MustCompile(`\bTest[A-Z]\w+`).FindAllString(text, -1) {
			if !anyValue(source, declares(name)) {
				t.Errorf("%s names %s, which is not there", page, name)
			}
		}
		for _, found := range regexp.MustCompile("`([\\w./]+\\.go)(?:: (\\w+))?`").FindAllStringSubmatch(text, -1) {
			var files []string
			for file := range source {
				if strings.HasSuffix(file, "/"+found[1]) {
					files = append(files, file)
				}
			}
			switch {
			case len(files) == 0:
				t.Errorf("%s names %s, which is not there", page, found[1])
			case found[2] != "" && !slices.ContainsFunc(files, func(file string) bool { return declares(found[2])(source[file]) }):
				t.Errorf("%s names %s in %s, which has no such function", page, found[2], found[1])
			}
		}
	}
}

// TestMapTargets: each `make x` that the pages name is a target of the Makefile.
func TestMapTargets(t *testing.T) {
	makefile := replaced(t, "../Makefile")
	found := 0
	for _, page := range append(pages(t), "../.github/pull_request_template.md", "../config/release/README.md") {
		for _, named := range regexp.MustCompile("(?m)(?:^ *|`)make ([a-z][a-z-]*)").FindAllStringSubmatch(replaced(t, page), -1) {
			found++
			if !regexp.MustCompile(`(?m)^` + named[1] + `:`).MatchString(makefile) {
				t.Errorf("%s names make %s, which is no target", page, named[1])
			}
		}
	}
	if found < 20 {
		t.Errorf("found %d targets: the pages are not read as they are written", found)
	}
}

func anyValue(m map[string]string, match func(string) bool) bool {
	for _, v := range m {
		if match(v) {
			return true
		}
	}
	return false
}
