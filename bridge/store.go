package bridge

import (
	"context"
	"errors"
	"io"
	"time"

	"github.com/google/uuid"
)

// Store stores invitations, the digests of their tokens, and the outbox. Every
// store must pass the suite of package storetest.
//
// All methods are safe for concurrent use, and several processes may share one
// store. Any error other than ErrRowNotFound, ErrPendingExists, ErrLeaseHeld,
// ErrLeaseLost and those returned by fn means that the store failed.
type Store interface {
	// View runs fn on a consistent snapshot. Its Tx must not write: it gets
	// ErrReadOnly. fn may run more than once, as in Update.
	View(ctx context.Context, fn func(Tx) error) error

	// Update runs fn and commits everything it wrote, or nothing if fn or the
	// commit fails. Once it returns nil, the change survives a crash of the
	// machine. Updates that use the same invitation, its tokens or its messages are
	// serialized, whatever process they run in: fn sees everything that the others
	// committed before. So are those that read lists.
	//
	// fn may run more than once, each time from a clean state, so it must only
	// read and write through its Tx: no clock, no network, no random numbers, no
	// nested View or Update. Variables that it sets outside must depend on its
	// last run only.
	//
	// Errors: ErrOutcomeUnknown if the commit may have taken effect. After any other
	// error nothing of the update is kept.
	Update(ctx context.Context, fn func(Tx) error) error

	// TakeLease gives a holder the exclusive use of a name until l.Until, unless
	// another holder has it at now. Who has it prolongs it.
	//
	// Errors: ErrLeaseHeld.
	TakeLease(ctx context.Context, l Lease, now time.Time) error

	// DropLease ends a lease, if its holder still has it.
	DropLease(ctx context.Context, l Lease) error

	// Backup writes a consistent copy of everything to w without blocking others.
	// After an error, the data in w is unusable.
	Backup(ctx context.Context, w io.Writer) error

	// Scrub makes what was deleted before the call unreadable on the disk, as far as
	// the store can: neither the bytes that it freed nor older versions of them are
	// left in its files. It waits for views that began before, and for a Backup; it
	// blocks updates for some ten milliseconds at a time, and at most half of the time.
	// What a call that failed has done is kept, so that repeating it is cheap. A store
	// that leaves this to its database, its file system or its copies returns nil.
	Scrub(ctx context.Context) error

	// Ping returns nil if the store can read and write.
	Ping(ctx context.Context) error

	// Close waits for running transactions and releases the store. Later calls return
	// ErrStoreClosed.
	Close() error
}

// Errors that rules act on. The first two leave the Tx unchanged.
var (
	ErrRowNotFound   = errors.New("not in the store")
	ErrPendingExists = errors.New("another pending invitation has that email address or identity")
	ErrLeaseHeld     = errors.New("another holder has the lease")
	ErrLeaseLost     = errors.New("the lease ended before")
	ErrStoreClosed   = errors.New("the store is closed")
	ErrReadOnly      = errors.New("a view must not write")
	// ErrOutcomeUnknown: the update was committed, or was not, or still may be.
	ErrOutcomeUnknown = errors.New("it is unknown whether the change was committed")
)

// Tx is one transaction. It is valid inside fn only, for one goroutine. It returns
// copies. No operation scans: each costs an index lookup plus the returned rows.
// Times are UTC, truncated to microseconds.
type Tx interface {
	// Invitation reads an invitation by id.
	//
	// Errors: ErrRowNotFound.
	Invitation(id uuid.UUID) (Invitation, error)

	// InvitationByToken reads a token's record and its invitation.
	//
	// Errors: ErrRowNotFound.
	InvitationByToken(d Digest) (Invitation, TokenRecord, error)

	// PendingInvitation reads the pending invitation of an email address and
	// schema, of which there is at most one.
	//
	// Errors: ErrRowNotFound.
	PendingInvitation(email, schemaID string) (Invitation, error)

	// PendingOfIdentity reads the pending invitation of an identity, of which there
	// is at most one.
	//
	// Errors: ErrRowNotFound.
	PendingOfIdentity(identity uuid.UUID) (Invitation, error)

	// Invitations reads invitations by id at once, in any order. Those that are not
	// in the store are left out.
	Invitations(ids ...uuid.UUID) ([]Invitation, error)

	// ListInvitations returns the invitations that match q, newest first (by id,
	// descending). It is no error if there are none.
	ListInvitations(q InvitationQuery) ([]Invitation, error)

	// CountPending returns how many invitations of a creator are pending, but not more than
	// limit.
	CountPending(by Creator, limit int) (int, error)

	// PendingCreators returns the ids of at most limit creators of a kind that have pending
	// invitations, each once, in an order of the store's. after is the last id of the page
	// before; empty: it is the first page.
	PendingCreators(kind CreatorKind, after string, limit int) ([]string, error)

	// ExpiringInvitations returns at most limit invitations that are pending, have
	// no claim, and have ExpiresAt <= now; the earliest first.
	ExpiringInvitations(now time.Time, limit int) ([]Invitation, error)

	// ExpiredClaims returns at most limit pending invitations whose claim has
	// DueAt <= now; the earliest first.
	ExpiredClaims(now time.Time, limit int) ([]Invitation, error)

	// InvitationsToRemind returns at most limit invitations that are pending, have no
	// claim, and have a nonzero RemindAt <= now; the earliest first.
	InvitationsToRemind(now time.Time, limit int) ([]Invitation, error)

	// InvitationsToCheck returns at most limit invitations that have no claim, and
	// a nonzero CheckAt <= now; the earliest first.
	InvitationsToCheck(now time.Time, limit int) ([]Invitation, error)

	// TerminalInvitations returns at most limit invitations that are not pending,
	// have UpdatedAt <= before, and do not have LeftoverDue; the earliest first.
	TerminalInvitations(before time.Time, limit int) ([]Invitation, error)

	// InsertInvitation is PutInvitation for an id that is not in the store.
	InsertInvitation(inv Invitation) error

	// PutInvitation inserts or replaces an invitation.
	//
	// Errors: ErrPendingExists if it is pending and another pending invitation has
	// the same email and schema, or the same identity.
	PutInvitation(inv Invitation) error

	// PutToken inserts or replaces a token's record.
	//
	// Errors: ErrRowNotFound if the invitation is not in the store.
	PutToken(d Digest, r TokenRecord) error

	ImportTx

	// AppendHistory inserts entries of invitations. An entry that an invitation has
	// already stays as it is.
	//
	// Errors: ErrRowNotFound if an invitation is not in the store.
	AppendHistory(entries ...HistoryEntry) error

	// ListHistory returns the entries that match q, newest first (by id, descending).
	// It is no error if there are none.
	ListHistory(q HistoryQuery) ([]HistoryEntry, error)

	// DeleteInvitation deletes an invitation, the records of all its tokens, its
	// history, and its messages.
	//
	// Errors: ErrRowNotFound.
	DeleteInvitation(id uuid.UUID) error

	// Message reads a message by id.
	//
	// Errors: ErrRowNotFound.
	Message(id uuid.UUID) (Message, error)

	// Messages reads messages by id at once, in any order. Those that are not in the
	// store are left out.
	Messages(ids ...uuid.UUID) ([]Message, error)

	// DueMessages returns at most limit queued messages of an endpoint that have
	// NextAttemptAt <= now, the earliest first. It may leave out those whose
	// invitation another Update is using or has just read, and does not wait for them.
	// It leaves out those of an event that is not in Events: only the later release
	// that has queued them can deliver them.
	DueMessages(endpoint string, now time.Time, limit int) ([]Message, error)

	// QueuedMessages returns at most limit queued messages of an endpoint, those
	// with the earliest NextAttemptAt first, due or not. It leaves out the same events
	// as DueMessages.
	QueuedMessages(endpoint string, limit int) ([]Message, error)

	// ListMessages returns the messages that match q, newest first (by id,
	// descending). It is no error if there are none.
	ListMessages(q MessageQuery) ([]Message, error)

	// PutMessage inserts or replaces a message.
	//
	// Errors: ErrRowNotFound if its invitation or import is not in the store.
	PutMessage(m Message) error

	// CheckLease makes the Update fail with ErrLeaseLost, here or at its end, unless
	// the holder has the lease and it lasts beyond now.
	CheckLease(l Lease, now time.Time) error

	// EndLease ends a lease with the Update, which fails with ErrLeaseLost, here or
	// at its end, if the holder no longer has it.
	EndLease(l Lease) error

	// Backlog returns the numbers of pending invitations and queued messages. Its
	// cost does not depend on them.
	Backlog() (Backlog, error)
}

// Backlog is the unfinished work in a store.
type Backlog struct {
	Pending int // pending invitations, claimed or not; expired ones count until they are swept
	Queued  int // queued messages, claimed or not
	// Oldest is the CreatedAt of the queued message with the lowest id; zero:
	// none is queued.
	Oldest time.Time
	// ImportRows are the rows without a result in imports that are running or being
	// canceled. ImportsHeld is the number of such imports that wait for a dependency. A
	// store leaves both zero: the service counts them.
	ImportRows  int
	ImportsHeld int
}

// MessageQuery selects messages for a list. Empty fields match all; the others must
// all match. A query with both an invitation and a state reads all messages of that
// invitation, which are few.
type MessageQuery struct {
	State        MessageState
	InvitationID uuid.UUID
	Before       uuid.UUID // only ids below this one; zero: from the newest
	Limit        int       // at least 1
}

// InvitationQuery selects invitations for a list. Empty fields match all; the
// others must all match exactly.
type InvitationQuery struct {
	State      State
	Email      string // canonical, see [ParseEmail]
	InviterID  string
	CreatedBy  Creator
	IdentityID uuid.UUID
	ImportID   uuid.UUID
	Origin     Origin
	Method     AcceptMethod
	Before     uuid.UUID // only ids below this one; zero: from the newest
	Limit      int       // at least 1
}
