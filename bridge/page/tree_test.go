package page_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/net/html"
)

func each(n *html.Node, f func(*html.Node)) {
	for d := range n.Descendants() {
		f(d)
	}
}

func find(n *html.Node, name string) (found []*html.Node) {
	each(n, func(n *html.Node) {
		if n.Type == html.ElementNode && n.Data == name {
			found = append(found, n)
		}
	})
	return found
}

func one(t testing.TB, n *html.Node, name string) *html.Node {
	t.Helper()
	found := find(n, name)
	if len(found) != 1 {
		t.Fatalf("got %d <%s>, want 1", len(found), name)
	}
	return found[0]
}

func text(n *html.Node) string {
	var b strings.Builder
	each(n, func(n *html.Node) {
		if n.Type == html.TextNode {
			b.WriteString(n.Data)
		}
	})
	return b.String()
}

func attr(n *html.Node, key string) string {
	for _, a := range n.Attr {
		if a.Key == key {
			return a.Val
		}
	}
	return ""
}

func has(n *html.Node, key string) bool {
	for _, a := range n.Attr {
		if a.Key == key {
			return true
		}
	}
	return false
}

// uniqueIDs checks that no id occurs twice, and that every id that an attribute
// refers to exists.
func uniqueIDs(t *testing.T, root *html.Node) {
	t.Helper()
	ids := map[string]int{}
	each(root, func(n *html.Node) {
		if id := attr(n, "id"); id != "" {
			ids[id]++
		}
	})
	for id, n := range ids {
		if n > 1 {
			t.Errorf("%d elements have the id %s", n, id)
		}
	}
	each(root, func(n *html.Node) {
		for _, key := range []string{"for", "aria-describedby", "aria-controls"} {
			for _, id := range strings.Fields(attr(n, key)) {
				if ids[id] == 0 {
					t.Errorf("%s of <%s> refers to %s, which does not exist", key, n.Data, id)
				}
			}
		}
	})
}

// write creates a file in a temporary directory and returns its path.
func write(t testing.TB, name, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
