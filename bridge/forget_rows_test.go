package bridge_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"invitebridge/bridge"
	"invitebridge/bridge/bridgetest"
	"invitebridge/kratos/kratostest"
)

// TestForget_rows: all rows about the person are emptied, in imports of all kinds. What
// became of the rows, and the rows of others, stay.
func TestForget_rows(t *testing.T) {
	for _, dry := range []bool{false, true} {
		w := bridgetest.New(t)
		counted := 0
		offer := invite(t, w, bridge.InviteRequest{Email: email})
		i := startImport(t, w, bridge.ImportRequest{CreatedBy: "backend", DryRun: dry},
			`{"email":"b@example.com","traits":{"name":{"first":"Grace"}}}`,
			`{"email":"ada@example.com","traits":{"name":{"first":"Ada"}}}`,
			`{"email":"ADA@example.com"}`,
			`{"email":"b@example.com"}`,
			`{"email":" ADA@example.com","unknown":"Lovelace"}`,
			`{"email":"c@example.com","unknown":1}`,
			`{"identity_id":"`+offer.Invitation.IdentityID.String()+`","inviter_name":"Ada L."}`,
		)
		runImports(t, w)
		before, counts := rowsOf(t, w, i.ID), importOf(t, w, i.ID).Counts
		f := forget(t, w, offer.Invitation.ID)
		after := rowsOf(t, w, i.ID)
		for _, index := range []int{1, 2, 4, 6} {
			counted++
			row := before[index]
			row.Body, row.Key, row.Reason = []byte("{}"), "", ""
			before[index] = row
		}
		if diff := cmp.Diff(before, after); diff != "" || f.ImportRows != counted {
			t.Errorf("dry %v: %d rows (-want +got):\n%s", dry, f.ImportRows, diff)
		}
		if got := importOf(t, w, i.ID).Counts; got != counts {
			t.Errorf("the counts are %+v, they were %+v", got, counts)
		}
	}
}

// TestForget_waitingRows: a row that is not begun fails, and invites nobody later. So do
// rows in an import that is paused, or that comes in waves.
func TestForget_waitingRows(t *testing.T) {
	w := bridgetest.New(t)
	var counters bridge.ImportCounts
	w = w.Beside(t, func(c *bridge.Config) {
		c.OnCounted = func(n bridge.Counters) {
			counters.Failed += n.ImportRows.Failed
			counters.Invited += n.ImportRows.Invited
		}
	})
	offer := invite(t, w, bridge.InviteRequest{Email: email})
	later := startImport(t, w, bridge.ImportRequest{StartAt: w.Clock.Now().Add(time.Hour), Reinvite: []bridge.State{bridge.StateRevoked}},
		append(addresses(1500), `{"email":"ada@example.com","schema_id":"`+kratostest.DefaultSchema+`"}`, `{"email":"z@example.com"}`)...)
	f := forget(t, w, offer.Invitation.ID)
	if got := importOf(t, w, later.ID); f.ImportRows != 1 || got.Counts.Failed != 1 || counters.Failed != 1 {
		t.Errorf("%d rows, %+v, counted %+v", f.ImportRows, got.Counts, counters)
	}
	row := rowsOf(t, w, later.ID)[1500]
	if row.ErrorID != "forgotten" || row.Result != bridge.ResultFailed || string(row.Body) != "{}" || row.Reason == "" {
		t.Errorf("%+v", row)
	}
	w.Clock.Advance(time.Hour)
	runImports(t, w)
	got := importOf(t, w, later.ID)
	if want := (bridge.ImportCounts{Invited: 1501, Failed: 1}); got.Counts != want || got.State != bridge.ImportFinished || counters != want {
		t.Errorf("%s, %+v, counted %+v", got.State, got.Counts, counters)
	}
	if list := listed(t, w, bridge.InvitationQuery{Email: email}); len(list) > 0 {
		t.Errorf("invited anew: %+v", list)
	}
}

// TestForget_runningRow: a row that a worker has begun is not taken away from it. The
// invitation has ended, and a repetition finishes.
func TestForget_runningRow(t *testing.T) {
	w := bridgetest.New(t)
	invite(t, w, bridge.InviteRequest{Email: "b@example.com"}) // now the schema is known
	invited := startImport(t, w, bridge.ImportRequest{}, `{"email":"ada@example.com"}`)
	w.Kratos.Down()
	if _, err := w.Service.RunImports(t.Context()); err != nil { // the row is begun, and waits
		t.Fatal(err)
	}
	noError(t, w.Kratos.Up())
	w.CloseIdleConnections()
	offer := invite(t, w, bridge.InviteRequest{Email: email})
	_, err := w.Service.Forget(t.Context(), offer.Invitation.ID)
	e := refusal(t, err, bridge.ErrIdentityConflict)
	if !strings.Contains(e.Reason, invited.ID.String()) || e.RetryAfter <= 0 {
		t.Errorf("%q, retry after %s", e.Reason, e.RetryAfter)
	}
	if got := stateOf(t, w, offer); got != bridge.StateRevoked {
		t.Errorf("it is %s", got)
	}
	_, err = w.Service.CancelImport(t.Context(), invited.ID)
	noError(t, err)
	if f := forget(t, w, offer.Invitation.ID); f.ImportRows != 1 || f.Identity != bridge.IdentityDeleted {
		t.Errorf("%+v", f)
	}
	wantForgotten(t, w, offer)
}

// TestForget_file: nothing of the person is in the store file, neither after the response
// nor, if the process was killed before it overwrote the free space, after a sweep.
func TestForget_file(t *testing.T) {
	if os.Getenv("TEST_STORE") == "postgres" {
		return // the same for PostgreSQL is in package pgstore
	}
	texts := []string{"ada.lovelace", "Lovelace-Byron", "Countess", "Babbage", "+442079460000", "engine-7", "bernoulli"}
	for _, killed := range []bool{false, true} {
		t.Run(fmt.Sprintf("killed %v", killed), func(t *testing.T) {
			w := bridgetest.New(t, func(c *bridge.Config) { c.MessageTraits = []string{"name.first", "name.last"} })
			for n := range 30 {
				invite(t, w, bridge.InviteRequest{Email: fmt.Sprintf("user%d@example.com", n)})
			}
			startImport(t, w, bridge.ImportRequest{CreatedBy: "backend"},
				`{"email":"ada.lovelace@example.com","traits":{"name":{"first":"Countess","last":"Lovelace-Byron"}},"inviter_name":"Charles Babbage","inviter_email":"babbage@example.com"}`,
				`{"email":"Ada.Lovelace@example.com","metadata_admin":{"team":"engine-7"}}`,
				`{"email":"ada.lovelace@example.com","bernoulli":"+442079460000"}`)
			runImports(t, w)
			list := listed(t, w, bridge.InvitationQuery{Email: "ada.lovelace@example.com"})
			if len(list) != 1 {
				t.Fatalf("invited %d times", len(list))
			}
			w.Clock.Advance(time.Hour)
			deliver(t, w, bridge.AttemptSent)
			_, err := w.Service.Resend(t.Context(), list[0].ID)
			noError(t, err)
			deliver(t, w, bridge.AttemptRetry)
			for _, text := range texts {
				if !inFile(t, w, text) {
					t.Fatalf("%q is not in the file: this test proves nothing", text)
				}
			}
			if killed {
				w.Store.Store = unscrubbed{w.Store.Store}
			}
			forget(t, w, list[0].ID)
			if killed {
				if !slices.ContainsFunc(texts, func(text string) bool { return inFile(t, w, text) }) {
					t.Error("there was nothing to scrub")
				}
				w.Restart(t)
				sweep(t, w)
			}
			for _, text := range texts {
				if inFile(t, w, text) {
					t.Errorf("%q is in the file", text)
				}
			}
		})
	}
}

// unscrubbed is a store whose process is killed before it scrubs.
type unscrubbed struct{ bridge.Store }

func (unscrubbed) Scrub(context.Context) error { return errors.New("killed") }

func inFile(t *testing.T, w *bridgetest.Harness, text string) bool {
	t.Helper()
	content, err := os.ReadFile(w.StorePath)
	noError(t, err)
	return bytes.Contains(bytes.ToLower(content), bytes.ToLower([]byte(text)))
}
