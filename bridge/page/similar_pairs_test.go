package page_test

import (
	"encoding/json"
	"fmt"
	"html"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"invitebridge/bridge"
	"invitebridge/bridge/page/pagetest"
)

// TestSimilarAgrees_generated: the page's script and the server agree on ten
// thousand generated pairs of account and password.
func TestSimilarAgrees_generated(t *testing.T) {
	pairs := similarPairs(10_000)
	list, err := json.Marshal(pairs)
	if err != nil {
		t.Fatal(err)
	}
	script, err := os.ReadFile("builtin/script.js")
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		fmt.Fprintf(w, `<!doctype html><title>Pairs</title><link rel="icon" href="data:,">
<input id="username"><textarea id="pairs">%s</textarea><textarea id="verdicts"></textarea>
<script>%s</script><script>
const username = document.querySelector("#username"), said = [];
for (const [account, password] of JSON.parse(document.querySelector("#pairs").value)) {
  username.value = account;
  said.push(rules.similar(password, 0, { dataset: {} }) ? "1" : "0");
}
document.querySelector("#verdicts").value = said.join("");
document.body.className = "judged";
</script>`, html.EscapeString(string(list)), script)
	}))
	defer server.Close()
	tab := pagetest.Open(t, pagetest.Options{})
	tab.Visit(server.URL)
	tab.Await("body.judged")
	verdicts := tab.Value("#verdicts")
	if len(verdicts) != len(pairs) {
		t.Fatalf("%d verdicts on %d pairs", len(verdicts), len(pairs))
	}
	policy := bridge.PasswordPolicy{CheckSimilarity: true}
	accepted, wrong := 0, 0
	for i, pair := range pairs {
		want := policy.CheckSimilar(pair[:1], pair[1]) == nil
		if want {
			accepted++
		}
		if got := verdicts[i] == '1'; got != want {
			if wrong++; wrong <= 10 {
				t.Errorf("account %q, password %q: accepted by the page: %v, by the server: %v", pair[0], pair[1], got, want)
			}
		}
	}
	t.Logf("%d of %d accepted, %d with different verdicts", accepted, len(pairs), wrong)
	if least := len(pairs) / 4; accepted < least || len(pairs)-accepted < least {
		t.Errorf("the server accepts %d of %d: too few of one kind to prove anything", accepted, len(pairs))
	}
}

// similarPairs returns pairs of account and password that are more or less
// similar, starting with those of the README.
func similarPairs(n int) [][2]string {
	r := rand.New(rand.NewPCG(72, 5)) // #nosec G404 -- the same pairs each time
	pairs := [][2]string{{"ada@example.com", "correct-Horse-7-battery"}, {"lin@example.com", "correct-Horse-7-battery"}}
	for len(pairs) < n {
		account := accountOf(r)
		pairs = append(pairs, [2]string{account, passwordNear(r, []rune(account))})
	}
	return pairs
}

// alphabet has characters of one to four bytes, some whose lower case has another
// length, and some that JSON and HTML escape.
var alphabet = []rune("abcdefghijklmnopqrstuvwxyzeeeaaniorst0123456789ABCXYZ.-_+@ \"'<&/äöüßÄÖÜéİıſKΣς日本😀\u0301\u200d")

func letters(r *rand.Rand, n int) string {
	of := alphabet
	if r.IntN(3) > 0 {
		of = alphabet[:57] // ASCII only, the most common case
	}
	var text strings.Builder
	for range n {
		text.WriteRune(of[r.IntN(len(of))])
	}
	return text.String()
}

func accountOf(r *rand.Rand) string {
	switch r.IntN(4) {
	case 0:
		return letters(r, 1+r.IntN(12))
	case 1:
		return fmt.Sprintf("+49 170 %07d", r.IntN(10_000_000))
	}
	domain := []string{"example.com", "example.org", "grüße.example", "mail.a-rather-long-name-of-a-company.example"}
	return letters(r, 1+r.IntN(14)) + "@" + domain[r.IntN(len(domain))]
}

func passwordNear(r *rand.Rand, account []rune) string {
	from := r.IntN(len(account))
	part := string(account[from : from+1+r.IntN(len(account)-from)])
	switch r.IntN(8) {
	case 0:
		return letters(r, 1+r.IntN(30)) // unrelated
	case 1:
		return strings.ToUpper(string(account)) + letters(r, r.IntN(40))
	case 2:
		return letters(r, r.IntN(6)) + part + letters(r, r.IntN(6))
	case 3:
		return letters(r, r.IntN(16)) + part + letters(r, r.IntN(16))
	case 4:
		return strings.Repeat(part, 1+r.IntN(20)) // may be too long to compare
	case 5:
		return strings.ToUpper(part) + strings.ToLower(part)
	}
	mistyped := []rune(string(account))
	for range r.IntN(8) {
		mistyped[r.IntN(len(mistyped))] = alphabet[r.IntN(len(alphabet))]
	}
	return string(mistyped)
}
