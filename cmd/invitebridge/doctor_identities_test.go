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

// TestDoctorIdentities has a bridge lose its store, and another one go on. Of
// what is in Kratos then, the doctor finds what is forsaken, and deletes no more
// than it may.
func TestDoctorIdentities(t *testing.T) {
	kratos, err := kratostest.Start(t.Context(), kratostest.Options{BcryptCost: 4})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = kratos.Stop() })
	ids := make(map[string]uuid.UUID)
	invite := func(b *running, name string) object {
		offer := b.invite(object{"email": name + "@example.com"})
		ids[name] = uuid.MustParse(offer["identity_id"].(string))
		return offer
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
		invite(former, name) // taken exists, and is adopted
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
		t.Fatal(err) // without a password, it may be used by a code
	}
	for _, name := range []string{"deactivated", "signed-in", "used"} {
		if err := kratos.Deactivate(t.Context(), ids[name]); err != nil {
			t.Fatal(err)
		}
	}
	mark := fmt.Sprintf(`,"metadata_admin":{"invitation":{"id":"%s"}}`, uuid.Must(uuid.NewV7()))
	create("password", mark+`,"credentials":{"password":{"config":{"password":"`+password+`"}}}`)
	create("plain", "")
	empty := newPatient(startBridge(t, kratos)) // its volume was not mounted
	b := startBridge(t, kratos)
	invite(b, "pending")
	invite(b, "adopted")
	// One that has ended can be sent again, and then needs its identity.
	if a := b.asAdmin(http.MethodPost, "/"+invite(b, "readopted")["id"].(string)+"/revoke", nil); a.status != http.StatusOK {
		t.Fatal(a.text)
	}

	p := newPatient(b)
	aged := "INVITEBRIDGE_KRATOS_ADMIN_URL=" + inFront(t, kratos.AdminURL, nil, later(time.Hour))
	unwilling := "INVITEBRIDGE_KRATOS_ADMIN_URL=" + inFront(t, kratos.AdminURL, func(r *http.Request) int {
		if r.Method == http.MethodDelete {
			return http.StatusInternalServerError
		}
		return 0
	}, later(time.Hour))
	if _, findings, _ := p.examined(nil, "--fix"); len(of(findings, "identities")) != 1 {
		t.Errorf("it counts the young ones: %+v", findings)
	}
	found := func(environ string, args ...string) map[string]finding {
		t.Helper()
		_, findings, _ := p.examined([]string{environ}, args...)
		byName := make(map[string]finding)
		for _, f := range of(findings, "identities") {
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
	stay := func(t *testing.T, gone ...string) {
		t.Helper()
		for name, id := range ids {
			_, err := kratos.Read(t.Context(), id)
			if (err != nil) != slices.Contains(gone, name) {
				t.Errorf("%s: deleted %t: %v", name, err != nil, err)
			}
		}
	}

	t.Run("listed alone", func(t *testing.T) {
		want(t, found(aged), map[string]string{
			"lost": "warning: run --fix", "gone": "warning: run --fix", "password": "warning: run --fix", "activated": "warning: left alone",
			"used": "warning: run --fix", "signed-in": "warning: run --fix", "taken": "warning: run --fix",
		})
		stay(t)
	})
	t.Run("where Kratos deletes nothing", func(t *testing.T) {
		want(t, found(unwilling, "--fix"), map[string]string{
			"lost": "problem: could not be deleted", "gone": "problem: could not be deleted", "password": "warning: it stays", "activated": "warning: left alone",
			"used": "warning: it stays", "signed-in": "warning: it stays", "taken": "warning: it stays",
		})
		stay(t)
	})
	t.Run("with an e-mail trait that is none", func(t *testing.T) {
		_, findings, _ := p.examined([]string{aged, "INVITEBRIDGE_KRATOS_EMAIL_TRAIT=mail"}, "--fix")
		for _, f := range of(findings, "identities") {
			if f.IdentityID != "" && !strings.Contains(f.Message+f.Advice, "left alone") {
				t.Errorf("got %+v", f)
			}
		}
		stay(t)
	})
	t.Run("with times in another zone", func(t *testing.T) {
		tokyo := inFront(t, kratos.AdminURL, nil, func(h http.Header, body []byte) []byte {
			return inZone(9*time.Hour, later(time.Hour)(h, body))
		})
		_, findings, _ := p.examined([]string{"INVITEBRIDGE_KRATOS_ADMIN_URL=" + tokyo}, "--fix")
		if warned := slices.ContainsFunc(of(findings, "identities"), func(f finding) bool {
			return f.Verdict == verdictWarning && strings.Contains(f.Message, "9h0m0s ahead of UTC") && strings.Contains(f.Advice, "TZ=UTC")
		}); !warned {
			t.Errorf("got %+v", findings)
		}
		_, findings, _ = p.examined([]string{
			"INVITEBRIDGE_KRATOS_ADMIN_URL=" + tokyo, "INVITEBRIDGE_KRATOS_NEVER_USED_SINCE=" + time.Now().Add(time.Hour).UTC().Format(time.RFC3339),
		})
		_, inUTC, _ := p.examined([]string{aged})
		for _, f := range append(findings, inUTC...) {
			if strings.Contains(f.Message, "time zone") {
				t.Errorf("it warns of what was mended: %+v", f)
			}
		}
		stay(t)
	})
	t.Run("with another bridge's configuration", func(t *testing.T) {
		_, findings, _ := p.examined([]string{aged, "INVITEBRIDGE_SERVE_ADMIN_API_KEYS=[{name: other, key: CANARY-of-16-letters}]"}, "--fix")
		if found := of(findings, "identities"); len(found) != 1 || found[0].Verdict != verdictProblem {
			t.Errorf("got %+v", found)
		}
		stay(t)
	})
	spared := func(t *testing.T, p patient, why string, found int) {
		t.Helper()
		code, findings, _ := p.examined([]string{aged}, "--fix")
		problems := 0
		for _, f := range of(findings, "identities") {
			if f.Verdict == verdictProblem {
				problems++
				if !strings.Contains(f.Message, why) || !strings.Contains(f.Advice, "mount the right store") {
					t.Errorf("got %+v", f)
				}
			}
		}
		if code != exitFailed || problems != 1 || len(of(findings, "identities")) != found+2 {
			t.Errorf("exit code %d, want %d found: %+v", code, found, findings)
		}
		stay(t)
	}
	t.Run("by a bridge with an empty store", func(t *testing.T) {
		// To it those of the other bridge are forsaken as well; what was accepted
		// is not.
		spared(t, empty, "has not one invitation", 10)
		_, findings, _ := empty.examined([]string{aged})
		for _, f := range of(findings, "identities") {
			if f.Verdict == verdictProblem {
				t.Errorf("without --fix: %+v", f)
			}
		}
	})
	t.Run("by the bridge of another Kratos", func(t *testing.T) {
		foreign := startFakeBridge(t, "kratos: { schema_id: "+kratostest.DefaultSchema+" }")
		foreign.invite(object{"email": "pending@example.com"})
		p := empty
		p.environ = newPatient(foreign).environ
		spared(t, p, "this Kratos does not have", 10)
	})
	t.Run("fixed", func(t *testing.T) {
		want(t, found(aged, "--fix"), map[string]string{
			"lost": "ok: it was deleted", "gone": "ok: it was deleted", "password": "warning: it stays", "activated": "warning: left alone",
			"used": "warning: it stays", "signed-in": "warning: it stays", "taken": "warning: it stays",
		})
		stay(t, "lost", "gone")
		want(t, found(aged, "--fix"), map[string]string{
			"password": "warning: it stays", "activated": "warning: left alone",
			"used": "warning: it stays", "signed-in": "warning: it stays", "taken": "warning: it stays",
		})
	})
}

// markOf gives the admin metadata of an identity.
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

// inZone shows when the state changed as Kratos on PostgreSQL does in a zone.
func inZone(offset time.Duration, body []byte) []byte {
	return stateChange.ReplaceAllFunc(body, func(found []byte) []byte {
		at, err := time.Parse(time.RFC3339, string(stateChange.FindSubmatch(found)[1]))
		if err != nil {
			return found
		}
		return []byte(`"state_changed_at":"` + at.Add(offset).Format(time.RFC3339Nano) + `"`)
	})
}
