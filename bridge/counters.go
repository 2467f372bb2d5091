package bridge

import (
	"errors"
	"slices"
	"time"

	"github.com/google/uuid"
)

// Counters holds what one commit, or one preview, adds to the metrics. It carries
// no ids, addresses or tokens.
type Counters struct {
	Created  int             // new invitations
	Sent     int             // emails that the mail server accepted
	Opened   int             // previews of a usable token, by anyone who has it
	Accepted []time.Duration // one for each acceptance: the time since the creation
	Expired  int
	Revoked  int
	GivenUp  int // messages that have failed and are not retried
	// Unreadable counts checks of the sweep that could not read the identity.
	Unreadable int
	// ImportRows are the rows of imports that got a result, by result.
	ImportRows ImportCounts
}

// recordingTx counts what is written through it, and collects the history of it. Each
// run of a transaction gets a new one, so that only its last run counts, if that was
// committed.
type recordingTx struct {
	Tx
	counters Counters
	history  history
}

// InsertInvitation records a new invitation.
func (t *recordingTx) InsertInvitation(inv Invitation) error {
	err := t.Tx.InsertInvitation(inv)
	if err == nil {
		t.counters.Created++
		t.history.note(Invitation{}, inv)
	}
	return err
}

// InsertInvitations records new invitations.
func (t *recordingTx) InsertInvitations(list ...Invitation) ([]uuid.UUID, error) {
	conflicts, err := t.Tx.InsertInvitations(list...)
	if err == nil {
		t.counters.Created += len(list) - len(conflicts)
		for _, inv := range list {
			if !slices.Contains(conflicts, inv.ID) {
				t.history.note(Invitation{}, inv)
			}
		}
	}
	return conflicts, err
}

// PutImportRows counts the rows with a result: it is written once.
func (t *recordingTx) PutImportRows(id uuid.UUID, rows ...ImportRow) error {
	err := t.Tx.PutImportRows(id, rows...)
	if err == nil {
		for _, row := range rows {
			t.counters.ImportRows.add(row.Result)
		}
	}
	return err
}

// uncounted returns tx for writes that no metric counts.
func uncounted(tx Tx) Tx {
	if t, ok := tx.(*recordingTx); ok {
		return t.Tx
	}
	return tx
}

// PutInvitation records the differences to the stored invitation. It reads that
// itself, so that no rule has to remember to count, or to write history.
func (t *recordingTx) PutInvitation(after Invitation) error {
	before, err := t.Invitation(after.ID)
	created := errors.Is(err, ErrRowNotFound)
	if err != nil && !created {
		return err
	}
	if err := t.Tx.PutInvitation(after); err != nil {
		return err
	}
	t.history.note(before, after)
	if created {
		t.counters.Created++
	}
	t.counters.Sent += after.SendCount - before.SendCount
	if before.State == after.State {
		return nil
	}
	switch after.State {
	case StateAccepted:
		t.counters.Accepted = append(t.counters.Accepted, after.AcceptedAt.Sub(after.CreatedAt))
	case StateExpired:
		t.counters.Expired++
	case StateRevoked:
		t.counters.Revoked++
	case StatePending: // new or revived
	}
	return nil
}

// PutToken records a token that a caller gets.
func (t *recordingTx) PutToken(d Digest, r TokenRecord) error {
	if err := t.Tx.PutToken(d, r); err != nil {
		return err
	}
	return t.history.noteToken(r, t.Invitation)
}

// DeleteInvitation deletes what was recorded about the invitation, too.
func (t *recordingTx) DeleteInvitation(id uuid.UUID) error {
	t.history.forget(id)
	return t.Tx.DeleteInvitation(id)
}

// PutMessage counts a message that becomes failed.
func (t *recordingTx) PutMessage(after Message) error {
	if after.State != MessageFailed {
		return t.Tx.PutMessage(after)
	}
	before, err := t.Message(after.ID)
	if err != nil && !errors.Is(err, ErrRowNotFound) {
		return err
	}
	if err := t.Tx.PutMessage(after); err != nil {
		return err
	}
	if before.State != after.State {
		t.counters.GivenUp++
	}
	return nil
}
