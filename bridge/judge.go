package bridge

import (
	"slices"
	"time"

	"github.com/google/uuid"
)

// Baseline is the state of an identity when it was invited. It is stored with the
// invitation: as long as the identity matches it, nobody has used the identity.
//
// It excludes traits, metadata, addresses and the time of the last update: in the
// meantime an administrator may fix a trait, and the invitee may verify the
// address.
type Baseline struct {
	StateChangedAt time.Time    `json:"state_changed_at,omitzero"`
	Credentials    []Credential `json:"credentials,omitempty"`
}

func baselineOf(i Identity) *Baseline {
	return &Baseline{StateChangedAt: i.StateChangedAt, Credentials: i.Credentials}
}

// verdict is who, if anyone, an identity belongs to.
type verdict int

// The verdicts. Only verdictFree permits a write.
const (
	verdictFree                 verdict = iota // not in use by anyone
	verdictAccepted                            // activated by this invitation, even if deactivated since
	verdictGone                                // deleted
	verdictActive                              // activated by someone else
	verdictAddressChanged                      // has another email address
	verdictNotRemovable                        // has a credential that cannot be removed
	verdictUsed                                // was, or may have been, in use as an account
	verdictHasCredentials                      // never used, but created with a credential
	verdictUnconfirmedAddresses                // has addresses that the inviter did not vouch for
	verdictNotOwned                            // lacks the mark of this invitation with OriginCreated
)

// question is the input of judge beside the identity. Zero fields ask for the
// least.
type question struct {
	invitation uuid.UUID // its activation is verdictAccepted
	email      string
	// baseline requires that the identity is unchanged since; nil requires that it
	// was never used.
	baseline *Baseline
	// cleaned excludes the password from that comparison: the bridge has begun to
	// replace it.
	cleaned bool
	// sessions reports that there are some. Relevant if baseline is nil.
	sessions bool
	// shifted reports that the identity system returns times in another zone than
	// it states, so that it cannot be proven that identities older than since were
	// never used.
	shifted bool
	since   time.Time
	// existing adds the checks for identities that the bridge did not create:
	// credentials that cannot be removed, and addresses other than email and
	// those in addresses.
	existing bool
	// maker is an invitation for which the bridge may have created the identity.
	// If the mark confirms that, the checks of existing are skipped.
	maker     uuid.UUID
	addresses []string
	// keepAddresses permits all addresses.
	keepAddresses bool
	// reactivate permits an identity that was used.
	reactivate bool
	// mustBeOwned requires the mark of invitation in addition.
	mustBeOwned bool
}

// judge is the only place that decides whether an identity is not in use, and so
// may be written to, handed over or deleted. No caller evaluates the state, the
// credentials or the mark itself.
func judge(i Identity, q question) verdict {
	existing := q.existing && !i.createdFor(q.maker)
	switch {
	case i.ID == uuid.Nil:
		return verdictGone
	case i.ActivatedBy(q.invitation):
		return verdictAccepted
	case i.Active:
		return verdictActive
	case q.email != "" && !i.MatchesEmail(q.email):
		return verdictAddressChanged
	case existing && slices.ContainsFunc(i.Credentials, func(c Credential) bool { return c.Fixed }):
		return verdictNotRemovable
	case q.reactivate:
		// The inviter has confirmed that it was used.
	case q.baseline != nil && !q.baseline.unchanged(i, q.cleaned):
		return verdictUsed
	case q.baseline == nil && !neverUsed(i, q):
		return verdictUsed
	case q.baseline == nil && len(i.Credentials) > 0:
		return verdictHasCredentials
	}
	switch {
	case existing && !q.keepAddresses && len(unconfirmedAddresses(i, slices.Concat(q.addresses, []string{q.email}))) > 0:
		return verdictUnconfirmedAddresses
	case q.mustBeOwned && !i.createdFor(q.invitation):
		return verdictNotOwned
	}
	return verdictFree
}

// unchanged reports whether the identity matches the baseline. Credentials may
// have been removed; only a new one matters.
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

// within reports whether c permits no sign-in that old does not permit.
func (c Credential) within(old Credential) bool {
	return c.Type == old.Type && !slices.ContainsFunc(c.Identifiers, func(id string) bool { return !slices.Contains(old.Identifiers, id) })
}

// maxCreationTime bounds how long before its creation the state of an unchanged
// identity is dated. Kratos sets that time slightly before the creation: 1.6 s
// were measured in large batches.
const maxCreationTime = time.Minute

func neverUsed(i Identity, q question) bool {
	if q.sessions || i.StateChangedAt.IsZero() || i.CreatedAt.IsZero() {
		return false
	}
	if q.since.IsZero() && q.shifted || i.CreatedAt.Before(q.since) {
		return false
	}
	before := i.CreatedAt.Sub(i.StateChangedAt)
	return before >= 0 && before <= maxCreationTime
}

// sameInstant compares a stored time with the same time as it is returned now.
// Databases keep microseconds or seconds, and one that runs in a local time zone
// returns the wall clock of that zone as if it were UTC.
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

// unconfirmedAddresses returns the addresses of i that are not in allowed.
func unconfirmedAddresses(i Identity, allowed []string) (addresses []string) {
	for _, a := range i.Addresses {
		if !slices.Contains(allowed, a) {
			addresses = append(addresses, a)
		}
	}
	return addresses
}

// ActivatedBy reports whether the invitation id has activated the identity. It may
// have been deactivated since; the mark stays.
func (i Identity) ActivatedBy(id uuid.UUID) bool {
	return i.Mark.InvitationID == id && !i.Mark.AcceptedAt.IsZero()
}

// createdFor reports whether the bridge created the identity for the invitation
// id.
func (i Identity) createdFor(id uuid.UUID) bool {
	return id != uuid.Nil && i.Mark.InvitationID == id && (i.Mark.Origin == "" || i.Mark.Origin == OriginCreated)
}

// MatchesEmail reports whether email, in canonical form, is the address of the
// identity. If the address is unknown, email matches unless the identity has only
// other addresses.
func (i Identity) MatchesEmail(email string) bool {
	if i.Email != "" {
		return i.Email == email
	}
	return len(i.Addresses) == 0 || slices.Contains(i.Addresses, email)
}
