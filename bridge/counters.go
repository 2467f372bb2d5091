package bridge

import (
	"errors"
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

// countingTx counts what is written through it. Each run of a transaction gets a
// new one, so that only its last run counts, if that was committed.
type countingTx struct {
	Tx
	counters Counters
}

// InsertInvitation counts a new invitation.
func (t *countingTx) InsertInvitation(inv Invitation) error {
	err := t.Tx.InsertInvitation(inv)
	if err == nil {
		t.counters.Created++
	}
	return err
}

// InsertInvitations counts new invitations.
func (t *countingTx) InsertInvitations(list ...Invitation) ([]uuid.UUID, error) {
	conflicts, err := t.Tx.InsertInvitations(list...)
	if err == nil {
		t.counters.Created += len(list) - len(conflicts)
	}
	return conflicts, err
}

// PutImportRows counts the rows with a result: it is written once.
func (t *countingTx) PutImportRows(id uuid.UUID, rows ...ImportRow) error {
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
	if t, ok := tx.(*countingTx); ok {
		return t.Tx
	}
	return tx
}

// PutInvitation counts the differences to the stored invitation. It reads that
// itself, so that no rule has to remember to count.
func (t *countingTx) PutInvitation(after Invitation) error {
	before, err := t.Invitation(after.ID)
	created := errors.Is(err, ErrRowNotFound)
	if err != nil && !created {
		return err
	}
	if err := t.Tx.PutInvitation(after); err != nil {
		return err
	}
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

// PutMessage counts a message that becomes failed.
func (t *countingTx) PutMessage(after Message) error {
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
