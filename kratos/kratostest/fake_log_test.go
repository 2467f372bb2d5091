package kratostest_test

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"

	"invitebridge/kratos/kratostest"
)

func logOf(f *kratostest.Fake) (lines []string) {
	for _, r := range f.Log() {
		lines = append(lines, fmt.Sprint(r.Method, " ", r.Route, " ", r.Credential, r.Identifier, " ", r.Status))
	}
	return lines
}

func wantLog(t *testing.T, f *kratostest.Fake, want ...string) {
	t.Helper()
	if got := logOf(f); !slices.Equal(got, want) {
		t.Errorf("log is\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestFake_Log(t *testing.T) {
	f := newFake(t)
	do := func(method, path, body string) (status int) {
		status, _, _ = send(t, method, f.URL+path, body)
		return status
	}
	do("GET", kratostest.RouteReady, "")
	do("POST", kratostest.RouteIdentities, person("inactive", "a@example.com"))
	made := f.Log()[0]
	id, err := f.Find("a@example.com")
	if err != nil || made.ID != id || made.Status != http.StatusCreated || made.Body != person("inactive", "a@example.com") {
		t.Errorf("the create is %+v of %v, %v", made, id, err)
	}
	path := kratostest.RouteIdentities + "/" + id.String()
	do("DELETE", path+"/credentials/oidc?identifier=a:b", "")
	do("DELETE", path+"/sessions", "")
	if err := f.Activate(t.Context(), id, "correct horse"); err != nil { // bypasses the log
		t.Fatal(err)
	}
	remove := f.Inject(kratostest.Fault{Do: kratostest.CutBefore})
	do("DELETE", path, "")
	remove()
	remove = f.Inject(kratostest.Fault{Do: kratostest.CommitAndAnswer, Status: http.StatusBadGateway})
	if status := do("DELETE", path, ""); status != http.StatusBadGateway {
		t.Errorf("the fault answered %d", status)
	}
	remove()
	wantLog(t, f,
		"POST /admin/identities  201",
		"DELETE /admin/identities/{id}/credentials/{type} oidca:b 404",
		"DELETE /admin/identities/{id}/sessions  404",
		"DELETE /admin/identities/{id}  204",
	)
	if last := f.Log()[3]; last.ID != id || !last.IsWrite() {
		t.Errorf("the last is %+v", last)
	}
	f.ResetLog()
	wantLog(t, f)
}

// A change made between a request's effect and its response is stored when the
// response arrives, but the response does not contain it.
func TestFake_After(t *testing.T) {
	f := newFake(t)
	id, err := f.Create(t.Context(), person("inactive", "a@example.com"))
	if err != nil {
		t.Fatal(err)
	}
	var numbers []int
	f.After(func(n int, r kratostest.Request) {
		numbers = append(numbers, n)
		if n != 2 || r.ID != id {
			return
		}
		if err := f.Activate(t.Context(), id, "correct horse"); err != nil {
			t.Error(err)
		}
		if err := f.SignIn(t.Context(), "a@example.com", "correct horse"); err != nil {
			t.Error(err)
		}
		if err := f.Deactivate(t.Context(), id); err != nil {
			t.Error(err)
		}
	})
	path := f.URL + kratostest.RouteIdentities + "/" + id.String()
	var answers []string
	for range 3 {
		_, answer, err := send(t, http.MethodGet, path, "")
		if err != nil {
			t.Fatal(err)
		}
		answers = append(answers, answer)
	}
	if answers[1] != answers[0] || answers[2] == answers[1] {
		t.Errorf("answers are\n%s", strings.Join(answers, "\n"))
	}
	f.After(nil)
	f.ResetLog()
	if _, _, err := send(t, http.MethodGet, path, ""); err != nil || !slices.Equal(numbers, []int{1, 2, 3}) {
		t.Errorf("called for %v, %v", numbers, err)
	}
}

// The helper methods of Fake act like the holder of an account.
func TestFake_holder(t *testing.T) {
	f := newFake(t)
	id, err := f.Create(t.Context(), person("active", "a@example.com"))
	if err != nil {
		t.Fatal(err)
	}
	other, err := f.Create(t.Context(), person("active", "b@example.com"))
	if err != nil {
		t.Fatal(err)
	}
	want := func(what string, got, want error) {
		t.Helper()
		if !errors.Is(got, want) {
			t.Errorf("%s: %v, want %v", what, got, want)
		}
	}
	want("not linked", f.SignInOIDC("idp", "S"), kratostest.ErrNotLinked)
	want("linking", f.SetCredential(id, "oidc", "", "idp:S", "other:s"), nil)
	want("linked", f.SignInOIDC("idp", "S"), nil)
	want("another case", f.SignInOIDC("idp", "s"), kratostest.ErrNotLinked)
	if err := f.SetCredential(other, "oidc", "", "idp:S"); err == nil {
		t.Error("two identities have the same account of a provider")
	}
	for _, method := range []string{"totp", "lookup_secret", "passkey", "webauthn", "deviceauthn"} {
		want(method, f.SetCredential(id, method, ""), nil)
	}
	_, shown := f.Do(http.MethodGet, kratostest.RouteIdentities+"/"+id.String(), "")
	if n := strings.Count(shown, `"identifiers":["`+id.String()+`"]`); n != 5 {
		t.Errorf("%d credentials have the identity's id: %s", n, shown)
	}
	token, err := f.AddSession(id)
	if err != nil || !f.SessionWorks(token) {
		t.Errorf("the session does not work: %v", err)
	}
	want("deactivating", f.Deactivate(t.Context(), id), nil)
	want("inactive", f.SignInOIDC("idp", "S"), kratostest.ErrInactive)
	if _, err := f.AddSession(id); !errors.Is(err, kratostest.ErrInactive) || f.SessionWorks(token) {
		t.Errorf("a session of an inactive identity: %v", err)
	}
	want("unlinking", f.RemoveCredential(id, "oidc"), nil)
	want("unlinked", f.SignInOIDC("idp", "S"), kratostest.ErrNotLinked)
	for _, method := range []string{"password", "code"} {
		if f.SetCredential(id, method, "") == nil {
			t.Errorf("%s was set", method)
		}
	}
	if f.SetCredential(uuid.New(), "totp", "") == nil || f.RemoveCredential(uuid.New(), "totp") == nil {
		t.Error("no error for an unknown identity")
	}
}
