package bridge_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// evidence are the fields and methods of an identity, or of its baseline, that
// say whose it is.
var evidence = []string{"Active", "Activated", "Credentials", "Mark", "MarkForeign", "StateChangedAt"}

// witnesses are the functions that may look at evidence without asking judge, and
// why: none of them decides whether the identity may be written to.
var witnesses = map[string]string{
	"bridge/accept.go ending":                        "passes the time of the mark on, with the verdict that it belongs to",
	"bridge/resolve.go settle":                       "passes the time of the mark on, with the verdict that it belongs to",
	"bridge/invited.go closeUnclaimed":               "passes the time of the mark on, with the verdict that it belongs to",
	"bridge/adopt.go adopt":                          "says in the new mark that another bridge had adopted the identity; it takes a right to delete away",
	"bridge/adopt.go fits":                           "whether there is room for a mark at all; it only refuses",
	"bridge/reactivate.go clean":                     "what is left to remove, of an identity that was judged in the same round",
	"bridge/reactivate.go noteCleaning":              "whether there was a password to tell of, of an identity that was judged in the same round",
	"bridge/zone.go compareZones":                    "in which zone times are shown",
	"bridge/zone.go shiftedFor":                      "in which zone times are shown",
	"cmd/invitebridge/doctor_identities.go forsaken": "which identities to ask about; the deletion asks judge",
	"cmd/invitebridge/doctor_fix.go treat":           "words for the operator; the deletion asks judge",
	"cmd/invitebridge/doctor_zone.go look":           "in which zone times are shown",
}

// TestOneJudge: nobody decides by itself whose an identity is. The client of
// Kratos is not looked at: it translates, and checks that a write did what it
// said.
func TestOneJudge(t *testing.T) {
	found := map[string]bool{}
	for _, dir := range []string{"bridge", "cmd/invitebridge"} {
		files, err := filepath.Glob(filepath.Join("..", dir, "*.go"))
		if err != nil || len(files) == 0 {
			t.Fatal(files, err)
		}
		for _, file := range files {
			name := dir + "/" + filepath.Base(file)
			if strings.HasSuffix(file, "_test.go") || name == "bridge/judge.go" {
				continue
			}
			parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
			if err != nil {
				t.Fatal(err)
			}
			for _, looks := range lookers(parsed) {
				found[name+" "+looks] = true
			}
		}
	}
	for who := range found {
		if witnesses[who] == "" {
			t.Errorf("%s looks at the state, the credentials or the mark of an identity; only judge may", who)
		}
	}
	for who := range witnesses {
		if !found[who] {
			t.Errorf("%s does not look at any evidence: it is no exception", who)
		}
	}
}

// lookers names the functions of a file that look at evidence.
func lookers(file *ast.File) (names []string) {
	for _, d := range file.Decls {
		name := "something that is no function"
		if f, ok := d.(*ast.FuncDecl); ok {
			name = f.Name.Name
		}
		ast.Inspect(d, func(n ast.Node) bool {
			if s, ok := n.(*ast.SelectorExpr); ok && slices.Contains(evidence, s.Sel.Name) && !slices.Contains(names, name) {
				names = append(names, name)
			}
			return true
		})
	}
	return names
}

// TestOneJudgeCatches: the test above sees what it is for.
func TestOneJudgeCatches(t *testing.T) {
	const source = `package p
	func decides(i Identity) bool { return !i.Active }
	func asks(i Identity) bool { return judge(i, question{}) == verdictFree }
	var global = identity.Mark`
	file, err := parser.ParseFile(token.NewFileSet(), "p.go", source, 0)
	if err != nil {
		t.Fatal(err)
	}
	if got := lookers(file); !slices.Equal(got, []string{"decides", "something that is no function"}) {
		t.Errorf("caught %v", got)
	}
}
