package bridge

import (
	"context"
	"errors"
	"io"
	"time"

	"github.com/google/uuid"
)

// Store keeps invitations and the digests of their tokens. Package storetest
// holds the suite that every store must pass.
//
// All methods are safe for concurrent use. Besides ErrMissing and ErrTaken,
// and whatever fn returned, every error means that the store could not do its
// work: nothing of a failed Update is kept.
type Store interface {
	// View runs fn on a consistent snapshot. Its Tx must not write.
	View(ctx context.Context, fn func(Tx) error) error

	// Update runs fn and commits all it wrote, or nothing if fn or the commit
	// fails. When it returns nil, the change survives a crash of the machine.
	// Updates are serialised: fn sees all that was committed before.
	//
	// fn may run more than once, each time from a clean state, so it must do
	// nothing but read and write through its Tx: no clock, no network, no
	// random numbers, no nested View or Update. What it leaves in variables
	// around it must be right after its last run alone.
	Update(ctx context.Context, fn func(Tx) error) error

	// Backup writes a copy of all there is to w, as it was in one moment, while
	// others go on. What a failure leaves in w is worth nothing.
	Backup(ctx context.Context, w io.Writer) error

	// Ping says whether the store can read and write.
	Ping(ctx context.Context) error

	// Close waits for transactions under way and gives the store back.
	Close() error
}

// Errors of a [Tx] that a rule may act on. Each leaves the Tx as it was.
var (
	ErrMissing = errors.New("not in the store")
	ErrTaken   = errors.New("another pending invitation has that email address or identity")
)

// Tx is one transaction. It is valid inside fn only, for one goroutine. What it
// returns are copies. No operation scans: each costs what it returns, and a
// look-up in an index. Times are UTC in microseconds.
type Tx interface {
	// Invitation reads by id. ErrMissing.
	Invitation(id uuid.UUID) (Invitation, error)

	// InvitationByToken reads a token's record and its invitation. ErrMissing.
	InvitationByToken(d Digest) (Invitation, TokenRecord, error)

	// PendingInvitation reads the pending invitation of an e-mail and schema,
	// of which there is at most one. ErrMissing.
	PendingInvitation(email, schemaID string) (Invitation, error)

	// ListInvitations gives the invitations that match q, newest first (by id,
	// descending). None is not an error.
	ListInvitations(q Query) ([]Invitation, error)

	// ExpiringInvitations gives at most limit invitations that are pending,
	// carry no claim, and have ExpiresAt <= now; the earliest first.
	ExpiringInvitations(now time.Time, limit int) ([]Invitation, error)

	// LapsedClaims gives at most limit pending invitations whose claim has
	// DueAt <= now; the earliest first.
	LapsedClaims(now time.Time, limit int) ([]Invitation, error)

	// WatchedInvitations gives at most limit invitations that carry no claim and
	// have LookAt <= now; the earliest first. Zero is no time to look.
	WatchedInvitations(now time.Time, limit int) ([]Invitation, error)

	// EndedInvitations gives at most limit invitations that are not pending, have
	// UpdatedAt <= before, and no Leftover; the earliest first.
	EndedInvitations(before time.Time, limit int) ([]Invitation, error)

	// PutInvitation writes an invitation whole, new or not. ErrTaken if it is
	// pending and another pending one has its email and schema, or its identity.
	PutInvitation(inv Invitation) error

	// PutToken writes a token's record. The invitation must be in the store:
	// ErrMissing.
	PutToken(d Digest, r TokenRecord) error

	// DeleteInvitation removes an invitation, the records of all its tokens,
	// and its messages. ErrMissing.
	DeleteInvitation(id uuid.UUID) error

	// Message reads by id. ErrMissing.
	Message(id uuid.UUID) (Message, error)

	// QueuedMessages gives at most limit queued messages of an endpoint, those
	// with the earliest Next first, whether or not that has come.
	QueuedMessages(endpoint string, limit int) ([]Message, error)

	// ListMessages gives the messages that match q, newest first (by id,
	// descending). None is not an error.
	ListMessages(q MessageQuery) ([]Message, error)

	// PutMessage writes a message whole, new or not. Its invitation must be in
	// the store: ErrMissing.
	PutMessage(m Message) error

	// Backlog tells how much waits. However much that is, it costs the same.
	Backlog() (Backlog, error)
}

// Backlog is what waits in a store: for invitees, and for receivers.
type Backlog struct {
	Pending int // invitations, claimed or not; the expired count until they are swept
	Queued  int // messages, claimed or not
	// Oldest is the CreatedAt of the queued message with the lowest id; zero:
	// none is queued.
	Oldest time.Time
}

// MessageQuery selects messages for a list. Empty fields select all; given ones
// must all match. A query with an invitation and a state reads all messages of
// that one invitation, which are few.
type MessageQuery struct {
	State        MessageState
	InvitationID uuid.UUID
	Before       uuid.UUID // only ids below this one; zero: from the newest
	Limit        int       // at least 1
}

// Query selects invitations for a list. Empty fields select all; given ones
// must all match, to the letter.
type Query struct {
	State      State
	Email      string // canonical, see [ParseEmail]
	InviterID  string
	IdentityID uuid.UUID
	Before     uuid.UUID // only ids below this one; zero: from the newest
	Limit      int       // at least 1
}
