package bridge

import (
	"slices"
	"time"

	"github.com/google/uuid"
)

// Baseline is how an identity stood when it was invited. It is kept with the
// invitation: as long as the identity still stands like this, it is nobody's.
//
// Traits, metadata, addresses and the time of the last update are not in it: an
// administrator may mend a trait, and an invitee verify the address, meanwhile.
type Baseline struct {
	StateChangedAt time.Time    `json:"state_changed_at,omitzero"`
	Credentials    []Credential `json:"credentials,omitempty"`
}

func baselineOf(i Identity) *Baseline {
	return &Baseline{StateChangedAt: i.StateChangedAt, Credentials: i.Credentials}
}

// verdict says whose an identity is.
type verdict int

// The verdicts. Only verdictFree permits a write.
const (
	verdictFree           verdict = iota // it is nobody's yet
	verdictAccepted                      // this invitation activated it, even if it was deactivated since
	verdictGone                          // it was deleted
	verdictActive                        // somebody else activated it
	verdictMoved                         // it has another email address
	verdictFixed                         // it has a credential that cannot be removed
	verdictUsed                          // it was somebody's account, or may have been
	verdictHasCredentials                // it was never used, and came with a credential
	verdictAddresses                     // it is reached by addresses that nobody vouched for
	verdictDisowned                      // it carries no mark of this invitation that says created
)

// question is what judge is asked. The zero fields ask for the least.
type question struct {
	invitation uuid.UUID // whose acceptance counts as one
	email      string
	// baseline asks whether the identity is unchanged since; nil asks whether it
	// was never used.
	baseline *Baseline
	// cleaned leaves the password out of that comparison: the bridge has begun
	// to replace it.
	cleaned bool
	// sessions says that it has some, where never used is asked.
	sessions bool
	// shifted says that the identity system shows times in another zone than it
	// says, which makes never used unprovable for identities older than since.
	shifted bool
	since   time.Time
	// existing asks in addition what matters for an identity that the bridge did
	// not make: credentials that cannot be removed, and addresses other than
	// email and those in addresses.
	existing bool
	// maker is an invitation for which the bridge may have made the identity, as
	// its mark then says; such a one is no existing one.
	maker     uuid.UUID
	addresses []string
	// keepAddresses takes any address.
	keepAddresses bool
	// reactivate permits an identity that was used.
	reactivate bool
	// owned asks in addition for the mark of invitation.
	owned bool
}

// judge is the one place that decides whether an identity is nobody's yet, and
// so may be written to, handed over or deleted. No caller looks at the state,
// the credentials or the mark by itself.
func judge(i Identity, q question) verdict {
	existing := q.existing && !i.createdFor(q.maker)
	switch {
	case i.ID == uuid.Nil:
		return verdictGone
	case i.Activated(q.invitation):
		return verdictAccepted
	case i.Active:
		return verdictActive
	case q.email != "" && !i.AnswersTo(q.email):
		return verdictMoved
	case existing && slices.ContainsFunc(i.Credentials, func(c Credential) bool { return c.Fixed }):
		return verdictFixed
	case q.reactivate:
		// That it was used is what the inviter has said.
	case q.baseline != nil && !q.baseline.unchanged(i, q.cleaned):
		return verdictUsed
	case q.baseline == nil && !neverUsed(i, q):
		return verdictUsed
	case q.baseline == nil && len(i.Credentials) > 0:
		return verdictHasCredentials
	}
	switch {
	case existing && !q.keepAddresses && len(foreign(i, slices.Concat(q.addresses, []string{q.email}))) > 0:
		return verdictAddresses
	case q.owned && !i.createdFor(q.invitation):
		return verdictDisowned
	}
	return verdictFree
}

// unchanged says whether the identity stands as it did. Credentials may have
// gone; only one that opens something and is new matters.
func (b Baseline) unchanged(i Identity, cleaned bool) bool {
	if !sameInstant(b.StateChangedAt, i.StateChangedAt) {
		return false
	}
	return !slices.ContainsFunc(i.Credentials, func(c Credential) bool {
		return (!cleaned || c.Type != passwordType) && !slices.ContainsFunc(b.Credentials, c.within)
	})
}

// passwordType is the credential that the bridge itself sets.
const passwordType = "password"

// within says whether c opens nothing that old does not open.
func (c Credential) within(old Credential) bool {
	return c.Type == old.Type && !slices.ContainsFunc(c.Identifiers, func(id string) bool { return !slices.Contains(old.Identifiers, id) })
}

// An identity whose state never changed shows a time of the last change slightly
// before its creation: 1.6 s were measured in large batches.
const longestCreation = time.Minute

func neverUsed(i Identity, q question) bool {
	if q.sessions || i.StateChangedAt.IsZero() || i.CreatedAt.IsZero() {
		return false
	}
	if q.since.IsZero() && q.shifted || i.CreatedAt.Before(q.since) {
		return false
	}
	before := i.CreatedAt.Sub(i.StateChangedAt)
	return before >= 0 && before <= longestCreation
}

// sameInstant compares a time that was stored with the same time as it is shown
// now. Databases keep microseconds or seconds, and one that runs in a zone of
// its own gives the wall clock of that zone back as if it were UTC.
func sameInstant(stored, shown time.Time) bool {
	if stored.IsZero() || shown.IsZero() {
		return stored.IsZero() && shown.IsZero()
	}
	tolerance := 2 * time.Microsecond
	if shown.Nanosecond() == 0 {
		tolerance = time.Second
	}
	return stored.Sub(shown).Abs() <= tolerance || wallClock(stored).Sub(wallClock(shown)).Abs() <= tolerance
}

// wallClock drops the zone.
func wallClock(t time.Time) time.Time {
	_, offset := t.Zone()
	return t.Add(time.Duration(offset) * time.Second).UTC()
}

// foreign gives the addresses that nobody vouched for.
func foreign(i Identity, allowed []string) (addresses []string) {
	for _, a := range i.Addresses {
		if !slices.Contains(allowed, a) {
			addresses = append(addresses, a)
		}
	}
	return addresses
}

// Activated says whether the invitation id has activated the identity. Somebody
// may have deactivated it since; the mark stays.
func (i Identity) Activated(id uuid.UUID) bool {
	return i.Mark.InvitationID == id && !i.Mark.AcceptedAt.IsZero()
}

// createdFor says whether the bridge made the identity for the invitation id.
func (i Identity) createdFor(id uuid.UUID) bool {
	return id != uuid.Nil && i.Mark.InvitationID == id && (i.Mark.Origin == "" || i.Mark.Origin == OriginCreated)
}

// AnswersTo says whether email, in canonical form, is the identity's address, as
// far as that is known: where it is not, the identity must not be reached by
// other addresses alone.
func (i Identity) AnswersTo(email string) bool {
	if i.Email != "" {
		return i.Email == email
	}
	return len(i.Addresses) == 0 || slices.Contains(i.Addresses, email)
}
