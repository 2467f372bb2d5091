package bridge

import (
	"context"
	"encoding/json"
	"errors"

	"github.com/google/uuid"
)

// identityFor gives the invitation an identity: a new one, or one that exists
// and is nobody's. made says whether this call created it. release gives the
// identity back to others; the caller calls it when the invitation is stored.
func (s *Service) identityFor(ctx context.Context, inv Invitation, d *draft) (_ Invitation, made bool, release func(), err error) {
	release = func() {}
	if d.identity == nil {
		i, err := s.identities.Create(ctx, NewIdentity{
			InvitationID: inv.ID, SchemaID: s.schemaOf(d), Traits: d.Traits,
			MetadataPublic: d.MetadataPublic, MetadataAdmin: d.MetadataAdmin,
		})
		if err == nil {
			inv.Traits = s.chosenTraits(i.Traits) // with what the schema adds
			inv = inv.of(i, OriginCreated)
			return inv, true, release, s.useful(ctx, i, d.email)
		}
		if i, err = s.inTheWay(ctx, d, err); err != nil {
			return inv, false, release, err
		}
		d.identity = &i
	}
	if release, err = s.lockIdentity(ctx, d.identity.ID); err != nil {
		return inv, false, func() {}, err
	}
	inv, err = s.adopt(ctx, inv, d)
	return inv, false, release, err
}

// of gives the invitation its identity, and the baseline to judge it by.
func (i Invitation) of(identity Identity, origin Origin) Invitation {
	i.IdentityID, i.SchemaID, i.Origin, i.Baseline = identity.ID, identity.SchemaID, origin, baselineOf(identity)
	for _, identifier := range identity.Identifiers {
		if identifier != i.Email {
			i.Identifiers = append(i.Identifiers, identifier)
		}
	}
	return i
}

// adopt judges an identity that exists, and puts the mark of the invitation on
// it. The caller holds its lock.
func (s *Service) adopt(ctx context.Context, inv Invitation, d *draft) (Invitation, error) {
	id := d.identity.ID
	former, pending, err := s.formerOf(ctx, id)
	if err != nil {
		return inv, err
	}
	if pending.ID != uuid.Nil {
		if _, err := s.invited(ctx, pending); err == nil {
			return inv, ErrIdentityConflict.Reasonf("An invitation of this identity, for another email address or schema, is pending: %s. Revoke that one first.", pending.ID)
		} else if !errors.Is(err, ErrIdentityInUse) && !errors.Is(err, ErrRevoked) && !errors.Is(err, ErrAccepted) {
			return inv, err
		}
	}
	q, origin, err := s.examine(ctx, id, d, former)
	if err != nil {
		return inv, err
	}
	var adopted Identity
	w := writer{service: s, identity: id, question: q, begin: s.unclaimed(id)}
	err = w.write(ctx, func(i Identity) (Write, error) {
		adopted = i
		if err := s.adoptable(ctx, i); err != nil {
			return nil, err
		}
		if origin == OriginCreated && i.Mark.InvitationID != former.ID {
			origin = OriginAdopted // another bridge has adopted it since
		}
		if err := s.lastsLongEnough(inv.of(i, origin)); err != nil {
			return nil, err
		}
		return WriteMark{Mark{InvitationID: inv.ID, Origin: origin}}, s.fits(d, i)
	})
	var refused refusal
	var ours *Error
	switch {
	case errors.As(err, &refused):
		return inv, s.inviterError(refused.verdict, refused.identity, d)
	case errors.As(err, &ours), errors.Is(err, ErrTaken):
		return inv, err
	case errors.Is(err, ErrIdentityNotFound):
		return inv, s.inviterError(verdictGone, adopted, d)
	case err != nil:
		return inv, failure(err)
	}
	inv = inv.of(adopted, origin)
	inv.Traits = s.chosenTraits(adopted.Traits)
	if d.KeepAddresses {
		inv.Addresses = adopted.Addresses
	}
	return inv, nil
}

// examine asks whether the identity id may be invited as d describes it, and
// gives the question that it passed. An identity for which an ended invitation
// holds a baseline is nobody's still if it is unchanged since; any other only if
// it was never used, or if the inviter asks for it to be reactivated.
func (s *Service) examine(ctx context.Context, id uuid.UUID, d *draft, former Invitation) (question, Origin, error) {
	q := question{email: d.email, existing: true, keepAddresses: d.KeepAddresses, since: s.config.NeverUsedSince}
	q.shifted = s.shiftedFor(ctx, *d.identity)
	if former.reusable() && (former.Origin != OriginReactivated || d.Reactivate) {
		again := q
		again.baseline, again.cleaned, again.maker = former.Baseline, !former.CleaningBeganAt.IsZero(), former.ID
		i, v, err := s.look(ctx, id, again)
		if err != nil {
			return q, "", failure(err)
		}
		if v != verdictUsed {
			return again, former.Origin, s.inviterError(v, i, d)
		}
	}
	i, v, err := s.look(ctx, id, q)
	if err != nil {
		return q, "", failure(err)
	}
	if d.Reactivate && (v == verdictUsed || v == verdictHasCredentials) {
		q.reactivate = true
		if i, v, err = s.look(ctx, id, q); err != nil {
			return q, "", failure(err)
		}
		return q, OriginReactivated, s.inviterError(v, i, d)
	}
	return q, OriginAdopted, s.inviterError(v, i, d)
}

// reusable says whether an invitation proves that its identity, if unchanged
// since, is still nobody's.
func (i Invitation) reusable() bool {
	return i.Baseline != nil && i.Origin != "" && (i.State == StateExpired || i.State == StateRevoked)
}

// unclaimed gives the begin of a writer for an identity that is to be adopted:
// no invitation of it is pending.
func (s *Service) unclaimed(id uuid.UUID) func(context.Context, Identity, Write) error {
	return func(ctx context.Context, _ Identity, _ Write) error {
		now := s.now()
		return s.update(ctx, func(tx Tx) error {
			pending, err := pendingOf(tx, id)
			if err == nil && pending.Expire(now).State == StatePending {
				err = ErrTaken
			}
			return err
		})
	}
}

// formerOf gives the newest invitation of an identity, and the one that can still
// be used, which may be an older one that was revived. The zero one: there is
// none.
func (s *Service) formerOf(ctx context.Context, id uuid.UUID) (newest, pending Invitation, err error) {
	err = s.view(ctx, func(tx Tx) (err error) {
		if pending, err = pendingOf(tx, id); err != nil {
			return err
		}
		found, err := tx.ListInvitations(Query{IdentityID: id, Limit: 1})
		if len(found) > 0 {
			newest = found[0]
		}
		return err
	})
	if pending = s.aged(pending); pending.State != StatePending {
		pending = Invitation{}
	}
	return s.aged(newest), pending, err
}

// pendingOf gives the pending invitation of an identity, of which there is at most
// one; the zero one: there is none.
func pendingOf(tx Tx, identity uuid.UUID) (Invitation, error) {
	found, err := tx.ListInvitations(Query{IdentityID: identity, State: StatePending, Limit: 1})
	if err != nil || len(found) == 0 {
		return Invitation{}, err
	}
	return found[0], nil
}

// inviterError says for an inviter what a verdict means; nil: it may be invited.
func (s *Service) inviterError(v verdict, i Identity, d *draft) error {
	switch v {
	case verdictFree:
		return s.fits(d, i)
	case verdictActive, verdictAccepted:
		return ErrIdentityActive
	case verdictGone:
		return ErrIdentityConflict.Reasonf("The identity has just been deleted.")
	case verdictMoved:
		return ErrIdentityConflict.Reasonf(textMoved)
	case verdictFixed:
		return ErrIdentityConflict.Reasonf("The identity has a passkey or another credential that the admin API cannot remove. To give the account back to its holder, activate it in Kratos. To give it to somebody else, delete the identity in Kratos, with all its data, and invite the address anew.")
	case verdictHasCredentials:
		return ErrIdentityHasCredentials
	case verdictAddresses:
		return errAddresses(foreign(i, nil))
	case verdictUsed, verdictDisowned:
	}
	if s.shifted.Load() && s.config.NeverUsedSince.IsZero() {
		return ErrIdentityDeactivated.Reasonf("Kratos shows times in a time zone of its own, so it cannot be told whether this identity was ever used. Run Kratos with TZ=UTC and set kratos.never_used_since, or ask for the identity to be reactivated by reactivate.")
	}
	return ErrIdentityDeactivated
}

func errAddresses(addresses []string) error {
	return ErrIdentityConflict.Reasonf("The identity is also reached by other addresses, whose owners could sign in to it. If they belong to the invitee, send \"keep_addresses\": true.").Details("addresses", addresses)
}

// fits refuses an identity that has lost its address since it was found, and what
// the inviter gave and what differs: the bridge never merges, and never overwrites
// what somebody else wrote.
func (s *Service) fits(d *draft, i Identity) error {
	if i.Email != d.email {
		return ErrIdentityConflict.Reasonf("The identity has no e-mail address any more.")
	}
	if i.MarkForeign {
		return ErrIdentityConflict.Reasonf("metadata_admin of the identity must be an object without a member %q of its own.", MarkKey)
	}
	return s.matches(d, i)
}

func (s *Service) matches(d *draft, identity Identity) error {
	var differs string
	switch {
	case d.SchemaID != "" && d.SchemaID != identity.SchemaID:
		differs = "schema_id"
	case d.traitsGiven && !s.sameTraits(d, identity):
		differs = "traits"
	case given(d.MetadataPublic) && !sameJSON(d.MetadataPublic, identity.MetadataPublic):
		differs = "metadata_public"
	case given(d.MetadataAdmin) && !sameJSON(orObject(d.MetadataAdmin), orObject(identity.MetadataAdmin)):
		differs = "metadata_admin"
	default:
		return nil
	}
	way := "leave " + differs + " out"
	if d.IdentityID == uuid.Nil {
		way += ", and give its id as identity_id in place of email"
	}
	return ErrIdentityConflict.Reasonf("The identity exists with other %s. To invite it as it is, %s; or change it in Kratos first.", differs, way)
}

// orObject takes no metadata for an empty object: when the mark is taken out,
// the two look the same.
func orObject(raw json.RawMessage) json.RawMessage {
	if !given(raw) {
		return json.RawMessage("{}")
	}
	return raw
}

// sameTraits compares, whatever the spelling of the email address and of phone
// numbers.
func (s *Service) sameTraits(d *draft, identity Identity) bool {
	if identity.EmailTrait == "" {
		return sameTraitValues(d.traits, identity.Traits)
	}
	ours, err := s.fillEmail(d.traits, identity.EmailTrait, d.email)
	if err != nil {
		return false
	}
	theirs, err := s.fillEmail(identity.Traits, identity.EmailTrait, d.email)
	return err == nil && sameTraitValues(ours, theirs)
}
