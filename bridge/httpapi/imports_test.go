package httpapi_test

import (
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"invitebridge/bridge"
	"invitebridge/bridge/bridgetest"
)

// TestImport follows a file until its report, which is imported again.
func TestImport(t *testing.T) {
	a := start(t)
	i := a.importFile("email;traits.name.first\nada@example.com;Ada\nbad;=1+1\nADA@example.com;\n", "inviter_name=Grace")
	if i.State != "running" || i.Rows != 3 || i.Waiting != 1 {
		t.Errorf("%+v", i)
	}
	a.runImports()
	var done importView
	a.asAdmin(http.MethodGet, "/imports/"+i.ID, nil).into(t, &done)
	if want := (bridge.ImportCounts{Invited: 1, Duplicate: 1, Failed: 1}); done.State != "finished" || done.Counts != want {
		t.Errorf("%+v", done)
	}
	var invited []struct {
		Email, ImportID string
		Name            string `json:"inviter_name"`
	}
	a.asAdmin(http.MethodGet, "/?import_id="+i.ID, nil).into(t, &invited)
	if len(invited) != 1 || invited[0].Email != "ada@example.com" || invited[0].Name != "Grace" {
		t.Errorf("%+v", invited)
	}
	r := request(t, http.MethodGet, a.admin+base+"/imports/"+i.ID+"/rows?result=failed", nil, "Accept", "text/html, text/csv;q=0.9, */*;q=0.1", "Authorization", "Bearer "+key)
	report := do(t, r)
	if !strings.Contains(string(report.body), "email_invalid") || !strings.Contains(string(report.body), "'=1+1") {
		t.Errorf("%s", report.body)
	}
	again := a.importFile(strings.Replace(string(report.body), "bad", "good@example.com", 1), "")
	if again.Rows != 1 || again.Counts.Failed != 0 {
		t.Errorf("%+v", again)
	}
}

// TestImportCells: a cell that is no boolean or no JSON fails its row alone, in CSV as in
// NDJSON, and the report has it in its column.
func TestImportCells(t *testing.T) {
	a := start(t)
	i := a.importFile("email,notify,traits.age:json\nada@example.com,nein,7\nbob@example.com,true,x\ncy@example.com,TRUE,7\n", "dry_run=true")
	if i.State != "running" || i.Rows != 3 || i.Counts.Failed != 2 {
		t.Fatalf("%+v", i)
	}
	r := request(t, http.MethodGet, a.admin+base+"/imports/"+i.ID+"/rows?result=failed", nil, "Accept", "text/csv", "Authorization", "Bearer "+key)
	report := string(do(t, r).body)
	for _, want := range []string{
		`2,failed,,bad_request,"Line 2, column notify: the value is neither true nor false. Write one of these, or leave the cell empty.",,ada@example.com,nein,7,`,
		`3,failed,,bad_request,"Line 3, column traits.age:json: the value is not JSON. Write JSON, such as 7 or ""text"", or leave the cell empty. In CSV, quotation marks within a cell are doubled.",,bob@example.com,true,"""x""",`,
	} {
		if !strings.Contains(report, "\n"+want+"\n") {
			t.Errorf("no %s in\n%s", want, report)
		}
	}
	corrected := strings.NewReplacer("nein", "false", `"""x"""`, "8").Replace(report)
	if again := a.importFile(corrected, "dry_run=true"); again.Rows != 2 || again.Counts.Failed != 0 {
		t.Errorf("%+v", again)
	}
}

// TestImportQuietHours: an import that may begin no row says what it waits for; a dry run
// does not wait.
func TestImportQuietHours(t *testing.T) {
	quiet, err := bridge.ParseQuietHours("02:00-07:00 UTC") // it is 03:04
	if err != nil {
		t.Fatal(err)
	}
	a := startWith(t, bridgetest.New(t, func(c *bridge.Config) { c.QuietHours = quiet }))
	for query, waiting := range map[string]bool{"": true, "dry_run=true": false} {
		i := a.importFile("email\nada@example.com\n", query)
		a.runImports()
		got := a.asAdmin(http.MethodGet, "/imports/"+i.ID, nil)
		if strings.Contains(string(got.body), `"waiting_for":"quiet_hours"`) != waiting || strings.Contains(string(got.body), `"state":"running"`) != waiting {
			t.Errorf("%q: %s", query, got.body)
		}
	}
}

// TestLongReport: a report has every row once, whatever the size of its pages.
func TestLongReport(t *testing.T) {
	a := start(t)
	var file strings.Builder
	file.WriteString("email\n")
	for n := range 250 {
		fmt.Fprintf(&file, "u%d@example.com\n", n)
	}
	id := a.importFile(file.String(), "start_at=2031-01-01T00:00:00Z").ID
	for query, want := range map[string]int{"": 250, "?result=waiting": 250, "?result=failed": 0} {
		got := a.asAdmin(http.MethodGet, "/imports/"+id+"/rows"+query, nil)
		if lines := strings.Count(string(got.body), "\n"); lines != want || !strings.HasPrefix(got.header.Get("Content-Type"), "application/x-ndjson") {
			t.Errorf("%q: %d lines, %v", query, lines, got.header)
		}
	}
}

func TestImportPages(t *testing.T) {
	a := start(t)
	for n := range 5 {
		a.importFile(fmt.Sprintf("email\nu%d@example.com\n", n), "dry_run=true")
	}
	next, seen := regexp.MustCompile(`<([^>]*)>; rel="next"`), map[string]bool{}
	for address := "/imports/?page_size=2"; address != ""; {
		got := a.asAdmin(http.MethodGet, address, nil)
		var page []importView
		got.into(t, &page)
		for _, i := range page {
			seen[i.ID] = true
		}
		address = ""
		if link := next.FindStringSubmatch(got.header.Get("Link")); link != nil {
			address = strings.TrimPrefix(link[1], base)
		}
	}
	if len(seen) != 5 {
		t.Errorf("%d imports", len(seen))
	}
	for _, query := range []string{"state=running", "page_size=0", "page_token=x"} {
		if got := a.asAdmin(http.MethodGet, "/imports?"+query, nil); got.errorID() != "bad_request" {
			t.Errorf("%s: %d %s", query, got.status, got.body)
		}
	}
}

// TestRepeatedInvite: a repetition gets the status of the first response and another
// token, and sends no email; once the invitation has ended, it gets no token.
func TestRepeatedInvite(t *testing.T) {
	a := start(t)
	invite := func(body string, headers ...string) answer {
		return do(t, request(t, http.MethodPost, a.admin+base, body, append([]string{"Authorization", "Bearer " + key}, headers...)...))
	}
	const body = `{"email":"ada@example.com"}`
	var first, second, third issuedInvitation
	invite(body, "Idempotency-Key", "k-1").into(t, &first)
	a.Clock.Advance(time.Hour) // the cooldown has passed
	got := invite(body, "Idempotency-Key", "k-1")
	got.into(t, &second)
	if got.status != http.StatusCreated || second.ID != first.ID || second.Token == "" || second.Token == first.Token {
		t.Errorf("%d %s", got.status, got.body)
	}
	if emails := len(a.dispatches(bridge.EndpointCourier)); emails != 1 {
		t.Errorf("%d emails", emails)
	}
	a.asAdmin(http.MethodPost, "/"+first.ID+"/revoke", nil)
	got = invite(body, "Idempotency-Key", "k-1")
	got.into(t, &third)
	if got.status != http.StatusCreated || third.State != "revoked" || strings.Contains(string(got.body), "invitation_token") {
		t.Errorf("after the end: %d %s", got.status, got.body)
	}
	if got := invite(`{"email":"ada@example.com"} `, "Idempotency-Key", "k-1"); got.errorID() != "idempotency_key_reused" {
		t.Errorf("another body: %d %s", got.status, got.body)
	}
	for _, malformed := range []string{"", "a b", "é", strings.Repeat("x", 256)} {
		for _, got := range []answer{invite(body, "Idempotency-Key", malformed), a.upload("email\na@example.com\n", "", "Idempotency-Key", malformed)} {
			if got.errorID() != "bad_request" {
				t.Errorf("%q: %d %s", malformed, got.status, got.body)
			}
		}
	}
	two := request(t, http.MethodPost, a.admin+base, body, "Authorization", "Bearer "+key)
	two.Header["Idempotency-Key"] = []string{"a", "b"}
	if got := do(t, two); got.errorID() != "bad_request" {
		t.Errorf("two keys: %d %s", got.status, got.body)
	}
}

// dispatches claims the messages that are due at an endpoint.
func (a *api) dispatches(endpoint string) (list []bridge.Dispatch) {
	a.t.Helper()
	claimed, _, err := a.Service.ClaimMessages(a.t.Context(), endpoint, 100, time.Minute)
	if err != nil {
		a.t.Fatal(err)
	}
	for _, c := range claimed {
		list = append(list, c.Dispatch)
	}
	return list
}
