package webhook_test

import (
	"context"
	"encoding/json"
	"io"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"invitebridge/bridge"
	"invitebridge/bridge/bridgetest"
	"invitebridge/bridge/webhook"
)

// recorded holds the payloads that a service sends to blocking and other hooks.
type recorded map[bridge.Event][]bridge.Payload

func (r recorded) Ask(ctx context.Context, _ string, p bridge.Payload) error { return r.Call(ctx, p) }

func (r recorded) Call(_ context.Context, p bridge.Payload) error {
	r[p.Type] = append(r[p.Type], p)
	return nil
}

func (r recorded) take(t *testing.T, w *bridgetest.Harness, outcome bridge.AttemptOutcome) {
	t.Helper()
	for _, endpoint := range []string{bridge.EndpointCourier, bridgetest.Hook} {
		claimed, _, err := w.Service.ClaimMessages(t.Context(), endpoint, 100, time.Minute)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range claimed {
			if endpoint == bridgetest.Hook {
				r[c.Dispatch.Payload.Type] = append(r[c.Dispatch.Payload.Type], c.Dispatch.Payload)
			}
			if err := w.Service.FinishMessages(t.Context(), bridge.FinishedMessage{Claimed: c, Result: bridge.SendResult{Outcome: outcome, Detail: "why"}}); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// TestSamplesMatchPayloads compares the samples with the payloads of a real
// service: a payload has no field that the full sample of its event lacks, and
// every field that the bare sample has.
func TestSamplesMatchPayloads(t *testing.T) {
	r := recorded{}
	w := bridgetest.New(t, func(c *bridge.Config) {
		c.InviterSessions, c.Inviters = bridgetest.Sessions{}, bridge.InviterRules{Allow: []bridge.InviterRule{{Hook: "authz"}}}
		c.EndpointsFor = func(event bridge.Event) []string {
			if event == bridge.EventHistoryEntry {
				return []string{bridgetest.Hook}
			}
			return bridgetest.Endpoints(event)
		}
		c.Hooks, c.Retention, c.Reminders = r, 100*time.Hour, []time.Duration{6 * time.Hour, 2 * time.Hour}
	})
	invite := func(request bridge.InviteRequest) bridge.IssuedInvitation {
		o, err := w.Service.Invite(t.Context(), request)
		if err != nil {
			t.Fatal(err)
		}
		return o
	}
	const password = "correct-Horse-7-battery"
	accept := func(o bridge.IssuedInvitation) {
		if _, err := w.Service.Accept(t.Context(), o.Token.Reveal(), password); err != nil {
			t.Fatal(err)
		}
	}
	invite(bridge.InviteRequest{Email: "expires@example.com"})
	revoked := invite(bridge.InviteRequest{Email: "revoked@example.com", InviterID: "42", InviterName: "Grace", Locale: "en"})
	accept(invite(bridge.InviteRequest{Email: "accepts@example.com", Quiet: true}))
	r.take(t, w, bridge.AttemptSent)
	accept(invite(bridge.InviteRequest{Email: "again@example.com", InviterName: "Grace"}))
	invite(bridge.InviteRequest{Email: "refused@example.com"})
	r.take(t, w, bridge.AttemptFailed)
	if _, err := w.Service.Revoke(t.Context(), revoked.Invitation.ID); err != nil {
		t.Fatal(err)
	}
	invite(bridge.InviteRequest{Email: "late@example.com"})
	w.Clock.Advance(18 * time.Hour)
	if n, err := w.Service.Remind(t.Context()); n == 0 || err != nil {
		t.Fatal(n, err)
	}
	r.take(t, w, bridge.AttemptSent)
	w.Clock.Advance(30 * time.Hour)
	if _, err := w.Service.Sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	r.take(t, w, bridge.AttemptSent)
	importOne(t, w)
	if err := w.Service.MayInvite(t.Context(), bridge.Inviter{ID: uuid.New(), SchemaID: "default", AAL: "aal1"}); err != nil {
		t.Fatal(err)
	}
	r.take(t, w, bridge.AttemptSent)

	var ofInvitation []string // an entry comes with an invitation as in any other event
	for _, event := range bridge.Events() {
		ofInvitation = append(ofInvitation, slices.DeleteFunc(fields(t, webhook.FullSample(event)), func(f string) bool { return !strings.HasPrefix(f, "data.invitation.") })...)
	}
	tokenless := false
	for _, event := range bridge.Events() {
		said := r[event]
		if len(said) == 0 {
			t.Errorf("%s never happened", event)
		}
		full, bare := fields(t, webhook.FullSample(event)), fields(t, webhook.BareSample(event))
		if event == bridge.EventHistoryEntry {
			full = append(full, ofInvitation...)
		}
		for _, p := range said {
			got := fields(t, p)
			for _, field := range got {
				if !slices.Contains(full, field) {
					t.Errorf("%s has %s, which its full sample lacks", event, field)
				}
			}
			for _, field := range bare {
				if !slices.Contains(got, field) {
					t.Errorf("%s lacks %s, which its bare sample has", event, field)
				}
			}
			tokenless = tokenless || event == bridge.EventTokenCreated && p.Data.Token == ""
		}
	}
	if !tokenless {
		t.Error("every invitation_token_created had a token: the optional field was not tested")
	}
}

// importOne runs an import with every setting, of which the event could have a field.
func importOne(t *testing.T, w *bridgetest.Harness) {
	t.Helper()
	rows := []bridge.FileRow{{Line: 1, Body: []byte(`{"email":"imported@example.com"}`)}}
	_, _, err := w.Service.Import(t.Context(), bridge.ImportRequest{
		CreatedBy: "backend", Reinvite: []bridge.State{bridge.StateExpired}, WaveSize: 1, WaveEvery: time.Hour, StartAt: w.Clock.Now(),
	}, func() (row bridge.FileRow, err error) {
		if len(rows) == 0 {
			return row, io.EOF
		}
		row, rows = rows[0], rows[1:]
		return row, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for next := w.Clock.Now(); !next.IsZero() && !next.After(w.Clock.Now()); {
		if next, err = w.Service.RunImports(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}

// omitted are the fields of an import that it has only until it ends.
var omitted = []string{"data.import.dry_run", "data.import.rows_per_second", "data.import.waiting_for", "data.import.wave_running", "data.import.next_wave_at"}

// TestSamplesHaveEveryField: a new field of the payload must be added to the
// samples, and thereby to the reference documentation.
func TestSamplesHaveEveryField(t *testing.T) {
	var all []string
	for _, event := range bridge.Events() {
		all = append(all, fields(t, webhook.FullSample(event))...)
	}
	for prefix, v := range map[string]any{
		"": bridge.Payload{}, "data.": bridge.PayloadData{}, "data.invitation.": bridge.InvitationView{}, "data.message.": bridge.FailedMessage{},
		"data.entry.": bridge.HistoryEntry{}, "data.entry.by.": bridge.Actor{},
		"data.import.": bridge.ImportView{}, "data.import.counts.": bridge.ImportCounts{},
	} {
		for i := range reflect.TypeOf(v).NumField() {
			name, _, _ := strings.Cut(reflect.TypeOf(v).Field(i).Tag.Get("json"), ",")
			if !slices.Contains(omitted, prefix+name) && !slices.ContainsFunc(all, func(f string) bool { return f == prefix+name || strings.HasPrefix(f, prefix+name+".") }) {
				t.Errorf("no full sample has %s%s", prefix, name)
			}
		}
	}
}

// fields returns the paths of all members that are not objects.
func fields(t *testing.T, p bridge.Payload) (paths []string) {
	t.Helper()
	text, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	var root map[string]any
	if err := json.Unmarshal(text, &root); err != nil {
		t.Fatal(err)
	}
	var walk func(prefix string, members map[string]any)
	walk = func(prefix string, members map[string]any) {
		for name, value := range members {
			if inner, ok := value.(map[string]any); ok {
				walk(prefix+name+".", inner)
			} else {
				paths = append(paths, prefix+name)
			}
		}
	}
	walk("", root)
	return paths
}
