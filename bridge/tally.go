package bridge

import (
	"errors"
	"time"
)

// Tally counts what has happened: what one commit changed, or one look. What is
// not in it is not to be had from it: no id, no address, no token.
type Tally struct {
	Created  int             // invitations that are new
	Sent     int             // letters that the mail system took over
	Opened   int             // looks at a token that can be used, by whomever
	Accepted []time.Duration // one for each that was accepted: the time from its creation
	Expired  int
	Revoked  int
	GivenUp  int // messages that will not be attempted again
	// Unreadable counts looks of the sweep at identities that cannot be read.
	Unreadable int
}

// tallyTx counts what is written through it. A transaction that runs again has
// a new one each time, so what counts is its last run, if that was kept.
type tallyTx struct {
	Tx
	tally Tally
}

// PutInvitation counts what differs from what is there. It looks that up itself:
// then no rule has to remember to count.
func (t *tallyTx) PutInvitation(after Invitation) error {
	before, err := t.Invitation(after.ID)
	created := errors.Is(err, ErrMissing)
	if err != nil && !created {
		return err
	}
	if err := t.Tx.PutInvitation(after); err != nil {
		return err
	}
	if created {
		t.tally.Created++
	}
	t.tally.Sent += after.SendCount - before.SendCount
	if before.State == after.State {
		return nil
	}
	switch after.State {
	case StateAccepted:
		t.tally.Accepted = append(t.tally.Accepted, after.AcceptedAt.Sub(after.CreatedAt))
	case StateExpired:
		t.tally.Expired++
	case StateRevoked:
		t.tally.Revoked++
	case StatePending: // it is new, or was revived
	}
	return nil
}

// PutMessage counts a message that is given up now.
func (t *tallyTx) PutMessage(after Message) error {
	if after.State != MessageFailed {
		return t.Tx.PutMessage(after)
	}
	before, err := t.Message(after.ID)
	if err != nil && !errors.Is(err, ErrMissing) {
		return err
	}
	if err := t.Tx.PutMessage(after); err != nil {
		return err
	}
	if before.State != after.State {
		t.tally.GivenUp++
	}
	return nil
}
