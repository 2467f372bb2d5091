package pgstore

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"invitebridge/bridge"
	"invitebridge/kratos/kratostest"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
)

// TestCopy: records are stored as they are, also through PgBouncer and with a role
// whose commits would not be durable. The backlog counts them.
func TestCopy(t *testing.T) {
	pooler := kratostest.StartPgBouncer(t, "transaction")
	for name, through := range map[string]func(string) string{
		"directly":            func(dsn string) string { return dsn },
		"through PgBouncer":   func(dsn string) string { return pooler.Through(dsn) },
		"with lesser commits": func(dsn string) string { return withWords(t, dsn, "synchronous_commit", "off") },
	} {
		t.Run(name, func(t *testing.T) {
			dsn := newDatabase(t)
			i := openCopy(t, through(dsn))
			begin(t, i, CopySource{ID: uuid.UUID{1}, Version: 1}, uuid.Nil)
			list := []bridge.Record{recordOf(1), recordOf(2), recordOf(3)}
			for _, part := range [][]bridge.Record{list[:2], list[2:]} {
				if err := i.Add(t.Context(), part); err != nil {
					t.Fatal(err)
				}
			}
			got, err := i.Records(t.Context(), uuid.Nil, 9)
			if diff := cmp.Diff(list, got); diff != "" || err != nil {
				t.Error(err, diff)
			}
			if got, err := i.Records(t.Context(), list[0].Invitation.ID, 1); err != nil || !cmp.Equal(got, list[1:2]) {
				t.Errorf("after the first: %+v, %v", got, err)
			}
			if n, err := i.Count(t.Context()); err != nil || n != (bridge.RecordCounts{Invitations: 3, Tokens: 3, Messages: 3, History: 6}) {
				t.Errorf("%+v, %v", n, err)
			}
			if _, err := Open(t.Context(), dsn); !errors.Is(err, ErrUnfinishedCopy) {
				t.Errorf("opened before the end: %v", err)
			}
			if err := errors.Join(i.Verified(t.Context()), i.Finish(t.Context())); err != nil {
				t.Fatal(err)
			}
			open(t, dsn)
			checkCounters(t, dsn)
			if err := i.Add(t.Context(), list[:1]); err == nil {
				t.Error("something was added after the end")
			}
		})
	}
}

// TestCopyTwice: of two copies into one database, one goes on.
func TestCopyTwice(t *testing.T) {
	dsn := newDatabase(t)
	source := CopySource{ID: uuid.UUID{1}, Version: 1}
	a, b := openCopy(t, dsn), openCopy(t, dsn)
	begin(t, a, source, uuid.Nil)
	begin(t, b, source, uuid.Nil)
	if err := a.Add(t.Context(), []bridge.Record{recordOf(1)}); err != nil {
		t.Fatal(err)
	}
	if err := b.Add(t.Context(), []bridge.Record{recordOf(2)}); err == nil || !strings.Contains(err.Error(), "another process is copying") {
		t.Errorf("got %v", err)
	}
	if n, err := a.Count(t.Context()); err != nil || n.Invitations != 1 {
		t.Errorf("%+v, %v", n, err)
	}
	begin(t, b, source, recordOf(1).Invitation.ID)
}

// TestCopyLatest: no bridge gives an earlier time than the rows have, unless that is
// far ahead and so must be wrong.
func TestCopyLatest(t *testing.T) {
	for ahead, want := range map[time.Duration]bool{30 * time.Second: true, 24 * time.Hour: false} {
		dsn := newDatabase(t)
		i := openCopy(t, dsn)
		begin(t, i, CopySource{ID: uuid.UUID{1}}, uuid.Nil)
		r := recordOf(1)
		r.Invitation.UpdatedAt = i.store.Now().Add(ahead).Truncate(time.Microsecond)
		if err := errors.Join(i.Add(t.Context(), []bridge.Record{r}), i.Finish(t.Context())); err != nil {
			t.Fatal(err)
		}
		if got := !open(t, dsn).Now().Before(r.Invitation.UpdatedAt); got != want {
			t.Errorf("%v ahead: the clock follows: %v", ahead, got)
		}
	}
}

func TestDSNAddress(t *testing.T) {
	for dsn, want := range map[string]string{
		"postgres://bridge:secret@db.example.com/kratos?sslmode=disable":          "postgres://db.example.com:5432/kratos",
		"postgresql://bridge:secret@a.example.com:1,b.example.com:2/kratos":       "postgres://a.example.com:1,b.example.com:2/kratos",
		"postgres://bridge:secret@[::1]:5433/kratos?password=secret&max_conns=4":  "postgres://[::1]:5433/kratos",
		"postgres:///kratos?host=/var/run/postgresql&user=bridge&password=secret": "postgres:///kratos?host=%2Fvar%2Frun%2Fpostgresql&port=5432",
	} {
		if got, err := DSNAddress(dsn); err != nil || got != want {
			t.Errorf("%s: got %s, %v", dsn, got, err)
		}
	}
	if got, err := DSNAddress("mysql://bridge:secret@db"); !errors.Is(err, ErrDSN) || strings.Contains(got+err.Error(), "secret") {
		t.Errorf("got %q, %v", got, err)
	}
}

// recordOf returns everything about the n-th invitation of a test.
func recordOf(n int) bridge.Record {
	inv := sample(n)
	at := inv.CreatedAt
	return bridge.Record{
		Invitation: inv,
		Tokens:     []bridge.StoredToken{{Digest: bridge.Digest{byte(n)}, TokenRecord: bridge.TokenRecord{InvitationID: inv.ID, Channel: bridge.ChannelAPI}}},
		Messages: []bridge.Message{{
			ID: uuid.UUID{0: 2, 15: byte(n)}, Endpoint: "crm\x00", InvitationID: inv.ID, State: bridge.MessageStates()[n-1],
			Payload:   bridge.Payload{Type: bridge.EventInvitationRevoked, Timestamp: at, Data: bridge.PayloadData{Invitation: inv.View()}},
			CreatedAt: at, UpdatedAt: at, DueAt: at, Since: at,
			Attempts: []bridge.Attempt{{At: at, Took: time.Second, Outcome: bridge.AttemptRetry, Detail: "a\x00b\x01"}, {At: at, Outcome: bridge.AttemptSent}},
		}},
		History: []bridge.HistoryEntry{
			{ID: uuid.UUID{0: 3, 15: byte(n)}, InvitationID: inv.ID, At: at, Action: bridge.ActionInvited, By: bridge.Actor{Kind: bridge.ActorKey, ID: "a\x00b"}, RequestID: "r\x01"},
			{ID: uuid.UUID{0: 4, 15: byte(n)}, InvitationID: inv.ID, At: at, Action: bridge.ActionExpired, By: bridge.Actor{Kind: bridge.ActorBridge}},
		},
	}
}

func openCopy(t *testing.T, dsn string) *Copy {
	t.Helper()
	i, err := OpenCopy(context.Background(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = i.Close() })
	return i
}

func begin(t *testing.T, i *Copy, source CopySource, want uuid.UUID) {
	t.Helper()
	if at, err := i.Begin(t.Context(), source); err != nil || at.Invitation != want {
		t.Fatalf("it begins after %s, %v; want %s", at.Invitation, err, want)
	}
}
