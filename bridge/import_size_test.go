package bridge_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"invitebridge/bridge"
	"invitebridge/bridge/bridgetest"
	"invitebridge/kratos/kratostest"
)

// TestImport_groupSize: groups grow while Kratos is fast, and shrink when it is slow.
// They are small while invites come.
func TestImport_groupSize(t *testing.T) {
	const far = time.Minute // from the invite
	for name, test := range map[string]struct {
		since, took time.Duration // since the latest invite, of each group
		rows        int
		want        []int
	}{
		"alone, fast":     {since: far, took: 900 * time.Millisecond, rows: 1300, want: []int{50, 100, 200, 400, 500, 50}},
		"alone, neither":  {since: far, took: 1500 * time.Millisecond, rows: 120, want: []int{50, 50, 20}},
		"alone, slow":     {since: far, took: 2100 * time.Millisecond, rows: 90, want: []int{50, 25, 12, 3}},
		"beside, fast":    {took: 9 * time.Millisecond, rows: 40, want: []int{5, 10, 20, 5}},
		"beside, neither": {took: 15 * time.Millisecond, rows: 12, want: []int{5, 5, 2}},
		"beside, slow":    {took: 21 * time.Millisecond, rows: 12, want: []int{5, 5, 2}},
		"just beside":     {since: 4 * time.Second, took: 15 * time.Millisecond, rows: 15, want: []int{5, 5, 5}},
		"just alone":      {since: 5 * time.Second, took: 15 * time.Millisecond, rows: 60, want: []int{50, 10}},
	} {
		t.Run(name, func(t *testing.T) {
			w := bridgetest.New(t)
			invite(t, w, bridge.InviteRequest{Email: "invited@example.com"})
			w.Clock.Advance(test.since)
			isBatch := func(r kratostest.Request) bool { return r.Method == http.MethodPatch }
			w.Kratos.After(func(_ int, r kratostest.Request) {
				if isBatch(r) {
					w.Clock.Advance(test.took)
				}
			})
			i := startImport(t, w, bridge.ImportRequest{}, addresses(test.rows)...)
			runImports(t, w)
			var sizes []int
			for _, r := range w.Kratos.Log() {
				if isBatch(r) {
					sizes = append(sizes, strings.Count(r.Body, `"create"`))
				}
			}
			if !slices.Equal(sizes, test.want) || invited(t, w, i) != test.rows {
				t.Errorf("groups of %v rows, want %v; %d invited", sizes, test.want, invited(t, w, i))
			}
		})
	}
}
