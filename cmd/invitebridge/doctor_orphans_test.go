package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"invitebridge/kratos/kratostest"
)

// TestDoctorIdentities: a bridge loses its store, and another one takes its
// place. The doctor finds the orphaned identities in Kratos, and deletes only the
// unused ones that the bridge created.
func TestDoctorIdentities(t *testing.T) {
	kratostest.SkipIfShort(t)
	kratos, err := kratostest.Start(t.Context(), kratostest.Options{BcryptCost: 4})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = kratos.Stop() })
	ids := make(map[string]uuid.UUID)
	invite := func(b *running, name string) object {
		issued := b.invite(object{"email": name + "@example.com"})
		ids[name] = uuid.MustParse(issued["identity_id"].(string))
		return issued
	}
	create := func(name, more string) {
		id, err := kratos.Create(t.Context(), `{"schema_id":"default","state":"inactive","traits":{"email":"`+name+`@example.com"}`+more+`}`)
		if err != nil {
			t.Fatal(err)
		}
		ids[name] = id
	}

	create("taken", "")
	former := startBridge(t, kratos)
	for _, name := range []string{"lost", "gone", "adopted", "readopted", "activated", "used", "signed-in", "taken"} {
		invite(former, name) // taken already exists and is adopted
	}
	for _, name := range []string{"accepted", "deactivated"} {
		if a := former.accept(token(invite(former, name)), password); a.status != http.StatusOK {
			t.Fatalf("%d %s", a.status, a.text)
		}
	}
	former.stop()
	if err := kratos.Activate(t.Context(), ids["activated"], password); err != nil {
		t.Fatal(err)
	}
	if err := kratos.Activate(t.Context(), ids["signed-in"], password); err != nil {
		t.Fatal(err)
	}
	if err := kratos.SignIn(t.Context(), "signed-in@example.com", password); err != nil {
		t.Fatal(err)
	}
	if err := kratos.Replace(t.Context(), ids["used"], `{"schema_id":"default","state":"active","traits":{"email":"used@example.com"},"metadata_admin":`+markOf(t, kratos, ids["used"])+`}`); err != nil {
		t.Fatal(err) // it has no password, but may have been used with a code
	}
	for _, name := range []string{"deactivated", "signed-in", "used"} {
		if err := kratos.Deactivate(t.Context(), ids[name]); err != nil {
			t.Fatal(err)
		}
	}
	mark := fmt.Sprintf(`,"metadata_admin":{"invitation":{"id":"%s"}}`, uuid.Must(uuid.NewV7()))
	create("password", mark+`,"credentials":{"password":{"config":{"password":"`+password+`"}}}`)
	create("plain", "")
	empty := newExaminedBridge(startBridge(t, kratos)) // its volume was not mounted
	b := startBridge(t, kratos)
	invite(b, "pending")
	invite(b, "adopted")
	// A revoked invitation still counts as the invitation of its identity.
	if a := b.asAdmin(http.MethodPost, "/"+invite(b, "readopted")["id"].(string)+"/revoke", nil); a.status != http.StatusOK {
		t.Fatal(a.text)
	}

	p := newExaminedBridge(b)
	hourAhead := "INVITEBRIDGE_KRATOS_ADMIN_URL=" + proxyTo(t, kratos.AdminURL, nil, clockAhead(time.Hour))
	unwilling := "INVITEBRIDGE_KRATOS_ADMIN_URL=" + proxyTo(t, kratos.AdminURL, func(r *http.Request) int {
		if r.Method == http.MethodDelete {
			return http.StatusInternalServerError
		}
		return 0
	}, clockAhead(time.Hour))
	if _, findings, _ := p.doctor(nil, "--fix"); len(findingsOf(findings, "identities")) != 1 {
		t.Errorf("identities younger than minOrphanAge are reported: %+v", findings)
	}
	found := func(environ string, args ...string) map[string]finding {
		t.Helper()
		_, findings, _ := p.doctor([]string{environ}, args...)
		byName := make(map[string]finding)
		for _, f := range findingsOf(findings, "identities") {
			if f.IdentityID == "" {
				continue
			}
			name, _, _ := strings.Cut(f.Email, "@")
			byName[name] = f
			if ids[name].String() != f.IdentityID {
				t.Errorf("another identity: %+v", f)
			}
		}
		return byName
	}
	want := func(t *testing.T, got map[string]finding, texts map[string]string) {
		t.Helper()
		for name, f := range got {
			verdict, text, _ := strings.Cut(texts[name], ": ")
			if texts[name] == "" || f.Verdict != verdict || !strings.Contains(f.Message+"; "+f.Advice, text) {
				t.Errorf("%s: %+v", name, f)
			}
		}
		if len(got) != len(texts) {
			t.Errorf("%d identities were found, want %d", len(got), len(texts))
		}
	}
	assertKept := func(t *testing.T, gone ...string) {
		t.Helper()
		for name, id := range ids {
			_, err := kratos.Read(t.Context(), id)
			if (err != nil) != slices.Contains(gone, name) {
				t.Errorf("%s: deleted %t: %v", name, err != nil, err)
			}
		}
	}

	t.Run("without --fix", func(t *testing.T) {
		want(t, found(hourAhead), map[string]string{
			"lost": "warning: run doctor --fix", "gone": "warning: run doctor --fix", "password": "warning: run doctor --fix", "activated": "warning: activated outside",
			"used": "warning: run doctor --fix", "signed-in": "warning: run doctor --fix", "taken": "warning: run doctor --fix",
		})
		assertKept(t)
	})
	t.Run("if Kratos fails to delete", func(t *testing.T) {
		want(t, found(unwilling, "--fix"), map[string]string{
			"lost": "problem: could not be deleted", "gone": "problem: could not be deleted", "password": "warning: it was kept", "activated": "warning: activated outside",
			"used": "warning: it was kept", "signed-in": "warning: it was kept", "taken": "warning: it was kept",
		})
		assertKept(t)
	})
	t.Run("with a wrong email trait", func(t *testing.T) {
		_, findings, _ := p.doctor([]string{hourAhead, "INVITEBRIDGE_KRATOS_EMAIL_TRAIT=mail"}, "--fix")
		for _, f := range findingsOf(findings, "identities") {
			if f.IdentityID != "" && !strings.Contains(f.Message+f.Advice, "it is not deleted") {
				t.Errorf("got %+v", f)
			}
		}
		assertKept(t)
	})
	t.Run("with times in another zone", func(t *testing.T) {
		tokyo := proxyTo(t, kratos.AdminURL, nil, func(h http.Header, body []byte) []byte {
			return inZone(9*time.Hour, clockAhead(time.Hour)(h, body))
		})
		_, findings, _ := p.doctor([]string{"INVITEBRIDGE_KRATOS_ADMIN_URL=" + tokyo}, "--fix")
		if warned := slices.ContainsFunc(findingsOf(findings, "identities"), func(f finding) bool {
			return f.Verdict == verdictWarning && strings.Contains(f.Message, "9h0m0s ahead of UTC") && strings.Contains(f.Advice, "TZ=UTC")
		}); !warned {
			t.Errorf("got %+v", findings)
		}
		_, findings, _ = p.doctor([]string{
			"INVITEBRIDGE_KRATOS_ADMIN_URL=" + tokyo, "INVITEBRIDGE_KRATOS_NEVER_USED_SINCE=" + time.Now().Add(time.Hour).UTC().Format(time.RFC3339),
		})
		_, inUTC, _ := p.doctor([]string{hourAhead})
		for _, f := range append(findings, inUTC...) {
			if strings.Contains(f.Message, "time zone") {
				t.Errorf("it warns although the zone is corrected: %+v", f)
			}
		}
		assertKept(t)
	})
	t.Run("with another bridge's configuration", func(t *testing.T) {
		_, findings, _ := p.doctor([]string{hourAhead, "INVITEBRIDGE_SERVE_ADMIN_API_KEYS=[{name: other, key: CANARY-of-16-letters}]"}, "--fix")
		if found := findingsOf(findings, "identities"); len(found) != 1 || found[0].Verdict != verdictProblem {
			t.Errorf("got %+v", found)
		}
		assertKept(t)
	})
	deletesNothing := func(t *testing.T, p examinedBridge, why string, found int) {
		t.Helper()
		code, findings, _ := p.doctor([]string{hourAhead}, "--fix")
		problems := 0
		for _, f := range findingsOf(findings, "identities") {
			if f.Verdict == verdictProblem {
				problems++
				if !strings.Contains(f.Message, why) || !strings.Contains(f.Advice, "mount the right store") {
					t.Errorf("got %+v", f)
				}
			}
		}
		if code != exitFailed || problems != 1 || len(findingsOf(findings, "identities")) != found+2 {
			t.Errorf("exit code %d, want %d found: %+v", code, found, findings)
		}
		assertKept(t)
	}
	t.Run("by a bridge with an empty store", func(t *testing.T) {
		// Identities of the other bridge look orphaned too; accepted ones do not.
		deletesNothing(t, empty, "has no invitations", 10)
		_, findings, _ := empty.doctor([]string{hourAhead})
		for _, f := range findingsOf(findings, "identities") {
			if f.Verdict == verdictProblem {
				t.Errorf("without --fix: %+v", f)
			}
		}
	})
	t.Run("by the bridge of another Kratos", func(t *testing.T) {
		foreign := startFakeBridge(t, "kratos: { schema_id: "+kratostest.DefaultSchema+" }")
		foreign.invite(object{"email": "pending@example.com"})
		p := empty
		p.environ = newExaminedBridge(foreign).environ
		deletesNothing(t, p, "this Kratos does not have", 10)
	})
	t.Run("with --fix", func(t *testing.T) {
		want(t, found(hourAhead, "--fix"), map[string]string{
			"lost": "ok: it was deleted", "gone": "ok: it was deleted", "password": "warning: it was kept", "activated": "warning: activated outside",
			"used": "warning: it was kept", "signed-in": "warning: it was kept", "taken": "warning: it was kept",
		})
		assertKept(t, "lost", "gone")
		want(t, found(hourAhead, "--fix"), map[string]string{
			"password": "warning: it was kept", "activated": "warning: activated outside",
			"used": "warning: it was kept", "signed-in": "warning: it was kept", "taken": "warning: it was kept",
		})
	})
}

// markOf returns the admin metadata of an identity.
func markOf(t *testing.T, kratos *kratostest.Server, id uuid.UUID) string {
	t.Helper()
	raw, err := kratos.Read(t.Context(), id)
	var identity struct {
		MetadataAdmin json.RawMessage `json:"metadata_admin"`
	}
	if err := errors.Join(err, json.Unmarshal(raw, &identity)); err != nil {
		t.Fatal(err)
	}
	return string(identity.MetadataAdmin)
}

var stateChange = regexp.MustCompile(`"state_changed_at":"([^"]+)"`)

// inZone shifts the times of state changes, as Kratos on PostgreSQL does in
// another time zone.
func inZone(offset time.Duration, body []byte) []byte {
	return stateChange.ReplaceAllFunc(body, func(found []byte) []byte {
		at, err := time.Parse(time.RFC3339, string(stateChange.FindSubmatch(found)[1]))
		if err != nil {
			return found
		}
		return []byte(`"state_changed_at":"` + at.Add(offset).Format(time.RFC3339Nano) + `"`)
	})
}
