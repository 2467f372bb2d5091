package bridge

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
)

// Config is what a [Service] works by. All fields are needed unless they say
// otherwise.
type Config struct {
	SchemaID       string  // of identities whose inviter names none
	ToASCII        ToASCII // see [ParseEmail]
	LinkURL        string  // {token} is replaced
	ReturnURLs     ReturnURLs
	Lifespan       time.Duration // of an invitation whose inviter names none
	MaxLifespan    time.Duration
	Cooldown       time.Duration // between two announcements of one invitation
	Retention      time.Duration // of invitations that are no longer pending
	IdentityBudget time.Duration // for all calls to Identities in one verb
	Passwords      PasswordPolicy
	// AllowedNames are inviters' names that are kept though they look like a
	// link, such as "Node.js Team". See [InviterName].
	AllowedNames []string
	// MessageTraits are dotted paths inside the traits, whose values are stored
	// with an invitation and shown in messages.
	MessageTraits []string
	// Speaks says whether an email can be written for a locale, and the languages
	// there are. Nil: nobody is asked, and any locale is taken.
	Speaks func(locale string) (known bool, languages []string)
	// Unaccepted says what becomes of identities that the bridge created and that
	// nobody ever used, when their invitations end.
	Unaccepted Unaccepted
	// Renew permits invitees to ask for a new link, see [Service.Renew].
	Renew bool
	// CodeLifespan is how long a code or link of the identity system is valid: so
	// long after it was invited a reactivated identity is not handed over.
	CodeLifespan time.Duration
	// NeverUsedSince has identities that are older be taken for used. Zero: none.
	// It is for identity systems that showed times in the wrong zone before.
	NeverUsedSince time.Time
	// Endpoints gives those that want a message about an event; EndpointCourier
	// among those of EventTokenCreated means that the invitee gets an e-mail.
	// Nil: nobody is told of anything.
	Endpoints func(Event) []string
	// Wake is called after each commit that has queued a message for an
	// endpoint. It must not block. Nil: nobody is waiting.
	Wake func(endpoint string)
	// Outbox knows which endpoints are disabled. Nil: none can be.
	Outbox Outbox
	// Hooks are asked before identities and passwords are created. Nil: nobody
	// is.
	Hooks Hooks
	// Count is told what each commit changed, when it is kept, and of each look.
	// It must not block. Nil: nobody counts.
	Count func(Tally)
	// Warn notes what an operator should look at; args are as in [log/slog]. It
	// must not block. Nil: nobody reads it.
	Warn func(message string, args ...any)
	// Now is the wall clock, and Running the time since some moment by a clock
	// that nobody sets. Nil: the system's.
	Now     func() time.Time
	Running func() time.Duration
}

// Unaccepted says what becomes of an identity that was invited for nothing.
type Unaccepted string

// The choices. Both that delete also do so when an invitation is revoked.
const (
	KeepUnaccepted Unaccepted = "keep"
	DeleteAtPurge  Unaccepted = "at_purge"
	DeleteAtExpiry Unaccepted = "at_expiry"
)

// Service holds the rules. All methods are safe for concurrent use; what they
// return is an [*Error].
type Service struct {
	store      Store
	identities Identities
	config     Config
	inviting   keyedMutex // one creation at a time for an email address
	expiring   chan struct{}
	claims     claims
	started    instant
	shifted    atomic.Bool // the identity system shows times in a zone of its own
}

// NewService makes a Service. It starts nothing and owns neither the store nor
// the identities.
func NewService(store Store, identities Identities, config Config) *Service {
	if config.Now == nil {
		config.Now = time.Now
	}
	if config.Running == nil {
		start := time.Now()
		config.Running = func() time.Duration { return time.Since(start) }
	}
	s := &Service{store: store, identities: identities, config: config, expiring: make(chan struct{}, 1)}
	s.started = s.instant()
	return s
}

// Offer is an invitation together with a fresh token. It is the only place
// where a plain token leaves the domain.
type Offer struct {
	Invitation Invitation
	Token      Token
	Link       string // carries the token: a secret as well
	Created    bool   // false: the invitation was pending before
}

// Passwords gives the policy that Accept applies.
func (s *Service) Passwords() PasswordPolicy { return s.config.Passwords }

// Ready returns nil if the store and the identity system can serve; else
// ErrStoreAway or ErrKratosAway.
func (s *Service) Ready(ctx context.Context) error {
	if err := s.store.Ping(ctx); err != nil {
		return ErrStoreAway.Because(err)
	}
	if err := s.identities.Ping(ctx); err != nil {
		return ErrKratosAway.Because(err)
	}
	return nil
}

// Backup writes a copy of the whole store to w, as it was in one moment. What a
// failure leaves in w is worth nothing. ErrStoreAway.
func (s *Service) Backup(ctx context.Context, w io.Writer) error {
	return storeFailure(s.store.Backup(ctx, w))
}

// Get reads one invitation. ErrNotFound.
func (s *Service) Get(ctx context.Context, id uuid.UUID) (Invitation, error) {
	var inv Invitation
	err := s.view(ctx, func(tx Tx) (err error) {
		inv, err = tx.Invitation(id)
		return err
	})
	if errors.Is(err, ErrMissing) {
		return Invitation{}, ErrNotFound
	}
	return s.aged(inv), err
}

// List gives a page of invitations, newest first, and the id to give as
// q.Before for the next; zero: there is none. The e-mail of q is read as in an
// invite: ErrEmailInvalid.
//
// An invitation that has run out is shown as expired at once, but joins the
// list of the expired only when it is swept.
func (s *Service) List(ctx context.Context, q Query) (page []Invitation, next uuid.UUID, err error) {
	if q.Email != "" {
		if q.Email, err = ParseEmail(q.Email, s.config.ToASCII); err != nil {
			return nil, uuid.Nil, err
		}
	}
	var found []Invitation
	limit := q.Limit
	q.Limit++ // one more tells whether more follow
	err = s.view(ctx, func(tx Tx) (err error) {
		found, err = tx.ListInvitations(q)
		return err
	})
	if len(found) > limit {
		found = found[:limit]
		next = found[limit-1].ID
	}
	for _, inv := range found {
		if inv = s.aged(inv); q.State == "" || inv.State == q.State {
			page = append(page, inv)
		}
	}
	return page, next, err
}

// Backlog tells how much waits, and for how long the oldest queued message has;
// zero: none is queued. It costs the same however much it is.
func (s *Service) Backlog(ctx context.Context) (b Backlog, age time.Duration, err error) {
	err = s.view(ctx, func(tx Tx) (err error) {
		b, err = tx.Backlog()
		return err
	})
	if !b.Oldest.IsZero() {
		age = max(s.now().Sub(b.Oldest), 0)
	}
	return b, age, err
}

// aged shows an invitation as it is now, whether or not it was swept.
func (s *Service) aged(inv Invitation) Invitation { return inv.Expire(s.now()) }

func (s *Service) now() time.Time { return s.config.Now().UTC().Truncate(time.Microsecond) }

func (s *Service) instant() instant { return instant{wall: s.now(), run: s.config.Running()} }

func (s *Service) warn(message string, args ...any) {
	if s.config.Warn != nil {
		s.config.Warn(message, args...)
	}
}

// hookBudget bounds what asking the hooks may take, see [Hooks].
const hookBudget = 10 * time.Second

// leaseMargin is what a lease has left when the last call to Identities must
// have ended: a request cut from us may still be at work there.
const leaseMargin = 5 * time.Second

// lease outlasts the hooks, the calls to Identities, and the margin.
func (s *Service) lease() time.Duration { return hookBudget + s.config.IdentityBudget + leaseMargin }

// ask has the hooks agree to what is about to happen, or refuse.
func (s *Service) ask(ctx context.Context, event Event, inv Invitation) error {
	return s.askAbout(ctx, payload(event, inv, s.now()))
}

func (s *Service) askAbout(ctx context.Context, p Payload) error {
	if s.config.Hooks == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), hookBudget)
	defer cancel()
	return s.config.Hooks.Ask(ctx, p)
}

func (s *Service) link(t Token) string {
	return strings.ReplaceAll(s.config.LinkURL, "{token}", t.Reveal())
}

// detached gives a context for work that must end well though the caller goes
// away, within the budget for identities.
func (s *Service) detached(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), s.config.IdentityBudget)
}

func (s *Service) view(ctx context.Context, fn func(Tx) error) error {
	return storeFailure(s.store.View(ctx, fn))
}

func (s *Service) update(ctx context.Context, fn func(Tx) error) error {
	if s.config.Count == nil {
		return storeFailure(s.store.Update(ctx, fn))
	}
	var counted *tallyTx
	err := s.store.Update(ctx, func(tx Tx) error {
		counted = &tallyTx{Tx: tx}
		return fn(counted)
	})
	if err == nil {
		s.config.Count(counted.tally)
	}
	return storeFailure(err)
}

// storeFailure lets through what a rule said or may act on. All else means
// that the store could not do its work.
func storeFailure(err error) error {
	var ours *Error
	if err == nil || errors.As(err, &ours) || errors.Is(err, ErrMissing) || errors.Is(err, ErrTaken) {
		return err
	}
	return ErrStoreAway.Because(err)
}

// given says whether a caller gave a JSON value; null is none.
func given(raw json.RawMessage) bool { return len(raw) > 0 && string(raw) != "null" }
