package bridge

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"io"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
)

// Config configures a [Service]. All fields are required unless stated otherwise.
type Config struct {
	SchemaID          string  // default schema of new identities
	ToASCII           ToASCII // see [ParseEmail]
	LinkTemplate      string  // {token} is replaced
	AllowedReturnURLs ReturnURLs
	Lifespan          time.Duration // default lifespan of an invitation
	MaxLifespan       time.Duration
	Cooldown          time.Duration // between two notifications about one invitation
	QuietHours        QuietHours    // zero: none
	Retention         time.Duration // of invitations that are no longer pending
	IdentityTimeout   time.Duration // of all calls to Identities in one operation
	PasswordPolicy    PasswordPolicy
	// Reminders are the times before the expiry at which invitees are reminded, unless
	// the inviter asks for others. Empty: never.
	Reminders []time.Duration
	// LockTimeout bounds how long a caller waits for another one that invites the
	// same address and may be waiting for a hook. Zero: 5 s.
	LockTimeout time.Duration
	// AllowedInviterNames are names of inviters that are kept although they look
	// like a link, such as "Node.js Team". See [InviterName].
	AllowedInviterNames []string
	// MessageTraits are dotted paths inside the traits. Their values are stored
	// with the invitation and shown in messages.
	MessageTraits []string
	// LocaleSupported reports whether there are emails in the language of a locale,
	// and the supported languages. Nil: any locale is accepted.
	LocaleSupported func(locale string) (known bool, languages []string)
	// Unaccepted is what happens to identities that the bridge created and that
	// were never used, after their invitations end.
	Unaccepted Unaccepted
	// AcceptWith lists the methods by which invitees may accept. Empty: only
	// AcceptPassword.
	AcceptWith []AcceptMethod
	// ReturnTo is where a recovery flow ends if the inviter asked for nothing else.
	// Empty: the identity system decides.
	ReturnTo string
	// Sessions permits clients to request a session when they accept.
	Sessions bool
	// Renew permits invitees to request a new link, see [Service.Renew].
	Renew bool
	// CodeLifespan is how long a code or link of the identity system is valid. A
	// reactivated identity is not handed over within this time after the invite.
	CodeLifespan time.Duration
	// NeverUsedSince makes all identities created before it count as used, for
	// identity systems that reported times in the wrong zone until then. Zero: no
	// such limit.
	NeverUsedSince time.Time
	// EndpointsFor returns the endpoints that subscribe to an event. For events that
	// carry a link, EndpointCourier means that the invitee gets an email.
	// Nil: no messages are queued.
	EndpointsFor func(Event) []string
	// Wake is called after each commit that queued a message for an endpoint. It
	// must not block. Nil: not called.
	Wake func(endpoint string)
	// WakeImports is called after each commit after which RunImports has work. It must not
	// block. Nil: not called.
	WakeImports func()
	// ParseInvite parses the body of an invite; members of defaults, which may be empty,
	// apply where the body has none. Errors: ErrBadRequest, ErrExpiresInInvalid. Nil:
	// Import must not be called.
	ParseInvite func(defaults, body json.RawMessage) (InviteRequest, error)
	// Outbox reports which endpoints are disabled. Nil: there are none.
	Outbox Outbox
	// InviterSessions looks up the sessions of inviters, whom Inviters permits. Nil: nobody
	// invites by session.
	InviterSessions Sessions
	Inviters        InviterRules
	// Hooks are called before identities and passwords are created. Nil: none.
	Hooks Hooks
	// OnCounted receives what each successful commit, and each preview, adds to the
	// metrics. It must not block. Nil: not called.
	OnCounted func(Counters)
	// Warn logs what an operator should check; args are as in [log/slog]. It must
	// not block. Nil: not called.
	Warn func(message string, args ...any)
	// Info logs the steps of imports, as Warn does. Nil: they are not logged.
	Info func(message string, args ...any)
	// Clock is set if several processes share the store: then they share its clock.
	// Nil: this process has the store alone, and Now is the clock.
	Clock Clock
	// Now is the wall clock of this machine. Monotonic is the time since an arbitrary
	// moment on a clock that is never set. Nil: the system's clocks.
	Now       func() time.Time
	Monotonic func() time.Duration
}

// Clock is a clock that several processes share. It is safe for concurrent use.
type Clock interface {
	// Now returns the time. It never returns an earlier time than before.
	Now() time.Time
	// Steady returns how long Now has run without being set forward.
	Steady() time.Duration
}

// Service implements the rules. All methods are safe for concurrent use and
// return errors of type [*Error].
type Service struct {
	store           Store
	identities      Identities
	config          Config
	locks           keyedMutex // serializes invites of one email address or identity
	ids             ids
	expireRunning   chan struct{}
	run             uuid.UUID // of this process
	importsTaken    once      // from the process before this one
	sizes           groupSizes
	interactive     interactive
	claims          claims
	started         instant
	purgeRequestsAt atomic.Int64 // time.Duration since started, see purgeRequests
	// inviterCheckAt is the same of revokeOfInactive.
	inviterCheckAt atomic.Int64
	deletions      deletions
	shifted        atomic.Bool // the identity system returns local times as UTC
}

// NewService returns a Service. It starts no goroutines, and closes neither the
// store nor the identities.
func NewService(store Store, identities Identities, config Config) *Service {
	if config.Now == nil {
		config.Now = time.Now
	}
	if config.Monotonic == nil {
		start := time.Now()
		config.Monotonic = func() time.Duration { return time.Since(start) }
	}
	config.LockTimeout = cmp.Or(config.LockTimeout, defaultLockTimeout)
	s := &Service{store: store, identities: identities, config: config, expireRunning: make(chan struct{}, 1), run: uuid.New()}
	s.sizes.init()
	s.started = s.instant()
	s.purgeRequestsAt.Store(int64(purgeRequestsEvery))
	s.deletions.made.Store(1) // perhaps by the process before this one
	return s
}

// PasswordPolicy returns the policy that Accept applies.
func (s *Service) PasswordPolicy() PasswordPolicy { return s.config.PasswordPolicy }

// Ready returns nil if the store and the identity system are available.
//
// Errors: ErrStoreUnavailable, ErrKratosUnavailable.
func (s *Service) Ready(ctx context.Context) error {
	if err := s.store.Ping(ctx); err != nil {
		return ErrStoreUnavailable.WithCause(err)
	}
	if err := s.identities.Ping(ctx); err != nil {
		return ErrKratosUnavailable.WithCause(err)
	}
	return nil
}

// Backup writes a consistent copy of the whole store to w. After an error, the
// data in w is unusable.
//
// Errors: ErrStoreUnavailable; ErrBackupNotSupported if the store is a database that
// has its own means.
func (s *Service) Backup(ctx context.Context, w io.Writer) error {
	return storeError(s.store.Backup(ctx, w))
}

// now is the time of the rules.
func (s *Service) now() time.Time {
	if s.config.Clock != nil {
		return micros(s.config.Clock.Now())
	}
	return s.localNow()
}

func (s *Service) localNow() time.Time { return micros(s.config.Now()) }

func micros(t time.Time) time.Time { return t.UTC().Truncate(time.Microsecond) }

func (s *Service) instant() instant {
	return instant{wall: s.now(), run: s.config.Monotonic(), local: s.localNow()}
}

func (s *Service) warn(message string, args ...any) {
	if s.config.Warn != nil {
		s.config.Warn(message, args...)
	}
}

// warnOf is warn about an invitation.
func (s *Service) warnOf(inv Invitation, message string, cause error) {
	s.warn(message, "invitation_id", inv.ID.String(), "identity_id", inv.IdentityID.String(), "cause", cause.Error())
}

// leaseMargin is the time between the latest end of calls to Identities and the end
// of the lease: a request whose connection was cut may still be executing there.
const leaseMargin = 5 * time.Second

// lease returns the duration of a claim. It covers the hooks, the calls to
// Identities, and the margin.
func (s *Service) lease() time.Duration { return HookBudget + s.config.IdentityTimeout + leaseMargin }

// detachedContext returns a context for work that must complete although the caller
// disconnects. It ends after IdentityTimeout.
func (s *Service) detachedContext(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), s.config.IdentityTimeout)
}

func (s *Service) view(ctx context.Context, fn func(Tx) error) error {
	return storeError(s.store.View(ctx, fn))
}

// update runs fn in an Update of the store, and writes the history of what it changed.
func (s *Service) update(ctx context.Context, fn func(Tx) error) error {
	change := s.newChange(ctx)
	var written *recordingTx
	err := s.store.Update(ctx, func(tx Tx) error {
		written = &recordingTx{Tx: tx, history: history{change: change}}
		if err := fn(written); err != nil {
			return err
		}
		return written.history.write(tx)
	})
	if err == nil && s.config.OnCounted != nil {
		s.config.OnCounted(written.counters)
	}
	err = storeError(err)
	if written != nil && len(written.history.list) > 0 && (err == nil || errors.Is(err, ErrStoreUnavailable)) { // it may have been committed
		for _, endpoint := range change.endpoints {
			s.wakeEndpoint(endpoint)
		}
	}
	return err
}

// storeError returns errors of the rules, and those that rules act on, unchanged.
// Any other error becomes ErrStoreUnavailable.
func storeError(err error) error {
	var ours *Error
	switch {
	case err == nil, errors.As(err, &ours), errors.Is(err, ErrRowNotFound), errors.Is(err, ErrPendingExists):
		return err
	case errors.Is(err, ErrLeaseLost):
		return errLocked(err)
	}
	return ErrStoreUnavailable.WithCause(err)
}

// callerError translates an error of the store into one for callers.
func callerError(err error) error {
	if errors.Is(err, ErrRowNotFound) {
		return ErrNotFound
	}
	return err
}
