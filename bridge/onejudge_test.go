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
var evidence = []string{"Active", "ActivatedBy", "Credentials", "Mark", "MetadataConflict", "StateChangedAt"}

// exemptions are the functions that may read evidence without asking judge, and
// why: none of them decides whether the identity may be written to.
var exemptions = map[string]string{
	"bridge/accept.go decide":                       "passes on the time of the mark, together with its verdict",
	"bridge/reconcile.go reconcileClaim":            "passes on the time of the mark, together with its verdict",
	"bridge/reconcile.go reconcileUnclaimed":        "passes on the time of the mark, together with its verdict",
	"bridge/adopt.go adopt":                         "keeps in the new mark that another bridge had adopted the identity, which only removes a right to delete",
	"bridge/adopt.go checkFits":                     "checks whether a mark can be written; it only refuses",
	"bridge/reactivate.go removeCredentials":        "lists what is left to remove; the identity was judged in the same round",
	"bridge/reactivate.go noteCleaning":             "notes whether there was a password; the identity was judged in the same round",
	"bridge/zone.go compareZones":                   "detects in which zone times are shown",
	"bridge/zone.go inCreationZone":                 "restores the zone in which times were shown",
	"bridge/zone.go shiftedFor":                     "detects in which zone times are shown",
	"cmd/invitebridge/doctor_orphans.go isOrphaned": "selects identities to report; the deletion asks judge",
	"cmd/invitebridge/doctor_fix.go handle":         "explains to the operator; the deletion asks judge",
	"cmd/invitebridge/doctor_zone.go add":           "detects in which zone times are shown",
}

// TestOneJudge: only judge decides whose an identity is. The Kratos client is
// exempt: it translates, and checks that a write had the requested effect.
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
			for _, reader := range readersOf(parsed) {
				found[name+" "+reader] = true
			}
		}
	}
	for reader := range found {
		if exemptions[reader] == "" {
			t.Errorf("%s reads the state, the credentials or the mark of an identity; only judge may", reader)
		}
	}
	for reader := range exemptions {
		if !found[reader] {
			t.Errorf("%s reads no evidence: remove the exemption", reader)
		}
	}
}

// readersOf names the functions of a file that read evidence.
func readersOf(file *ast.File) (names []string) {
	for _, d := range file.Decls {
		name := "a declaration other than a function"
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

// TestOneJudgeCatches: TestOneJudge notices what it is for.
func TestOneJudgeCatches(t *testing.T) {
	const source = `package p
	func decides(i Identity) bool { return !i.Active }
	func asks(i Identity) bool { return judge(i, question{}) == verdictFree }
	var global = identity.Mark`
	file, err := parser.ParseFile(token.NewFileSet(), "p.go", source, 0)
	if err != nil {
		t.Fatal(err)
	}
	if got := readersOf(file); !slices.Equal(got, []string{"decides", "a declaration other than a function"}) {
		t.Errorf("caught %v", got)
	}
}
