package bridge

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/google/uuid"
)

// Invite creates an inactive identity and a pending invitation for it. An
// email address that has a pending invitation gets that one, unchanged, with an
// additional token; an identity that exists and was never used is adopted.
//
// ErrBadRequest, ErrEmailInvalid, ErrTraitsInvalid, ErrReturnTo, ErrExpiresIn;
// ErrIdentityActive; ErrIdentityDeactivated and ErrIdentityHasCredentials unless
// the request says to reactivate; ErrIdentityConflict if traits or metadata were
// given that differ from those of the identity, an identifier is another's, or
// something of the identity cannot be taken from whoever had it;
// ErrKratosRejected, ErrKratosAway, ErrStoreAway. After any of them, asking
// again is safe.
func (s *Service) Invite(ctx context.Context, r InviteRequest) (Offer, error) {
	d, err := s.draft(ctx, r)
	if err != nil {
		return Offer{}, err
	}
	// A pending invitation whose identity is gone is closed on the way, and so
	// may be one that was made meanwhile: look again, not for ever.
	for range 3 {
		inv, err := s.pending(ctx, d.email, s.schemaOf(d))
		if errors.Is(err, ErrMissing) {
			offer, err := s.inviteNew(ctx, d)
			if errors.Is(err, ErrTaken) {
				continue
			}
			return offer, err
		} else if err != nil {
			return Offer{}, err
		}
		offer, err := s.inviteAgain(ctx, inv, d)
		if errors.Is(err, errLookAgain) {
			d.forget()
			continue
		}
		return offer, err
	}
	return Offer{}, ErrIdentityConflict.Reasonf("The invitation of this e-mail keeps changing. Try again.")
}

var errLookAgain = errors.New("the invitation has changed")

func (s *Service) schemaOf(d *draft) string {
	switch {
	case d.identity != nil:
		return d.identity.SchemaID
	case d.SchemaID != "":
		return d.SchemaID
	}
	return s.config.SchemaID
}

// pending reads the invitation of an e-mail that can still be used. ErrMissing.
func (s *Service) pending(ctx context.Context, email, schemaID string) (Invitation, error) {
	var inv Invitation
	err := s.view(ctx, func(tx Tx) (err error) {
		inv, err = tx.PendingInvitation(email, schemaID)
		return err
	})
	if err == nil && inv.Usable(s.now()) != nil {
		if err = ErrMissing; inv.Claim != nil {
			err = ErrAcceptInProgress.After(settleDelay) // no further token would be valid
		}
	}
	return inv, err
}

// inviteNew makes the identity, or adopts it, and then the invitation. ErrTaken
// if another caller was faster.
func (s *Service) inviteNew(ctx context.Context, d *draft) (Offer, error) {
	// Two callers at once would both create the identity, and the one that
	// loses could delete it under the other's feet.
	unlock, err := s.lockEmail(ctx, d.email)
	if err != nil {
		return Offer{}, err
	}
	defer unlock()
	if _, err := s.pending(ctx, d.email, s.schemaOf(d)); err == nil {
		return Offer{}, ErrTaken
	} else if !errors.Is(err, ErrMissing) {
		return Offer{}, err
	}
	inv := s.planned(d)
	asked := payload(EventPreInvitation, inv, s.now())
	asked.Data.Reactivate = d.Reactivate
	if err := s.askAbout(ctx, asked); err != nil {
		return Offer{}, err
	}
	ctx, cancel := s.detached(ctx)
	defer cancel()
	inv, made, release, err := s.identityFor(ctx, inv, d)
	defer release()
	if err != nil && made {
		err = errors.Join(err, s.takeBack(ctx, inv))
	}
	if err != nil {
		return Offer{}, err
	}
	now, expired := inv.CreatedAt, []telling{s.tell(EventInvitationExpired), s.tell(EventInvitationExpired)}
	offer, err := s.offer(ctx, d.Quiet, func(tx Tx) (_ Invitation, announce bool, err error) {
		return inv, true, expireOld(tx, inv, now, expired)
	})
	if err != nil && made && !errors.Is(err, ErrTaken) {
		err = errors.Join(err, s.takeBack(ctx, inv))
	}
	offer.Created = true
	s.wake(expired...)
	return offer, err
}

// expireOld makes room for an invitation that is to be pending: what is due still
// counts as pending in the store, by the address as by the identity.
func expireOld(tx Tx, inv Invitation, now time.Time, expired []telling) error {
	byEmail, err := tx.PendingInvitation(inv.Email, inv.SchemaID)
	if err == nil && byEmail.Due(now) {
		err = expired[0].change(tx, byEmail, byEmail.Expire(now), now)
	}
	if err != nil && !errors.Is(err, ErrMissing) {
		return err
	}
	byIdentity, err := pendingOf(tx, inv.IdentityID)
	if err == nil && byIdentity.Due(now) {
		err = expired[1].change(tx, byIdentity, byIdentity.Expire(now), now)
	}
	return err
}

// lockWait bounds how long a caller waits for another who invites the same
// address, and perhaps for a hook.
const lockWait = 5 * time.Second

// lockEmail keeps others from making or deleting the identity of an address.
func (s *Service) lockEmail(ctx context.Context, email string) (unlock func(), err error) {
	return s.lock(ctx, "email:"+email)
}

// lockIdentity is lockEmail for an identity that exists. It is taken after the
// lock of the address.
func (s *Service) lockIdentity(ctx context.Context, id uuid.UUID) (unlock func(), err error) {
	return s.lock(ctx, "identity:"+id.String())
}

func (s *Service) lock(ctx context.Context, key string) (unlock func(), err error) {
	ctx, cancel := context.WithTimeout(ctx, lockWait)
	defer cancel()
	if unlock, err = s.inviting.lock(ctx, key); err != nil {
		return nil, ErrIdentityConflict.Reasonf("Somebody else is inviting this address right now. Try again in a moment.").After(settleDelay).Because(err)
	}
	return unlock, nil
}

// planned is the invitation of a draft, before it has an identity.
func (s *Service) planned(d *draft) Invitation {
	now := s.now()
	return Invitation{
		ID: uuid.Must(uuid.NewV7()), State: StatePending, Email: d.email, SchemaID: s.schemaOf(d),
		InviterID: d.InviterID, InviterName: InviterName(d.InviterName, s.config.AllowedNames), InviterEmail: d.InviterEmail,
		Locale: d.Locale, TimeZone: d.TimeZone, Traits: s.chosenTraits(d.shownTraits()), ReturnTo: d.ReturnTo,
		Lifespan: d.ExpiresIn, Delivery: DeliveryOff,
		CreatedAt: now, UpdatedAt: now, ExpiresAt: now.Add(d.ExpiresIn),
	}
}

// inviteAgain gives a further token for a pending invitation, once the identity
// is known to be there and to be what the caller described.
func (s *Service) inviteAgain(ctx context.Context, inv Invitation, d *draft) (Offer, error) {
	ctx, cancel := s.detached(ctx)
	defer cancel()
	identity, err := s.invited(ctx, inv)
	if errors.Is(err, ErrRevoked) || errors.Is(err, ErrAccepted) || errors.Is(err, ErrIdentityInUse) {
		return Offer{}, errLookAgain
	} else if err != nil {
		return Offer{}, err
	}
	if err := s.matches(d, identity); err != nil {
		return Offer{}, err
	}
	if err := permits(d, inv); err != nil {
		return Offer{}, err
	}
	now := s.now()
	return s.offer(ctx, d.Quiet, func(tx Tx) (_ Invitation, announce bool, err error) {
		inv, err := tx.Invitation(inv.ID)
		if err == nil && inv.Usable(now) != nil || errors.Is(err, ErrMissing) {
			err = errLookAgain
		}
		return inv, false, err
	})
}

// permits asks an inviter for the same permissions as the one before, because the
// additional token opens the same.
func permits(d *draft, inv Invitation) error {
	switch {
	case inv.Origin == OriginReactivated && !d.Reactivate:
		return ErrIdentityDeactivated
	case len(inv.Addresses) > 0 && !d.KeepAddresses:
		return errAddresses(inv.Addresses)
	}
	return nil
}

// offer mints a token, and commits it together with the invitation that change
// gives. The token's event is announced if change says so, or if the cooldown
// has passed; quiet leaves out the e-mail to the invitee.
func (s *Service) offer(ctx context.Context, quiet bool, change func(Tx) (inv Invitation, announce bool, err error)) (Offer, error) {
	var inv Invitation
	token, now, created := MintToken(), s.now(), s.tell(EventTokenCreated)
	err := s.update(ctx, func(tx Tx) (err error) {
		var announce bool
		if inv, announce, err = change(tx); err != nil {
			return err
		}
		mail := !quiet && (announce || s.cooled(inv.AnnouncedAt, now))
		hooks := announce || s.cooled(inv.HookedAt, now)
		if mail {
			inv = inv.Announce(now, slices.Contains(created.endpoints, EndpointCourier))
		}
		if hooks {
			inv.HookedAt = now
		}
		if err = tx.PutInvitation(inv); err != nil {
			return err
		}
		if mail {
			if err = supersede(tx, inv, now); err != nil {
				return err
			}
		}
		err = created.write(tx, payload(EventTokenCreated, inv, now), func(endpoint string) bool {
			return endpoint == EndpointCourier && !mail || endpoint != EndpointCourier && !hooks
		})
		if err != nil {
			return err
		}
		return tx.PutToken(token.Digest(), TokenRecord{InvitationID: inv.ID, Channel: ChannelAPI, Epoch: inv.Epoch})
	})
	if err != nil {
		return Offer{}, err
	}
	s.wake(created)
	return Offer{Invitation: inv, Token: token, Link: s.link(token)}, nil
}

func (s *Service) cooled(last, now time.Time) bool { return !now.Before(last.Add(s.config.Cooldown)) }

// maxLetters bounds how many waiting letters one new one supersedes.
const maxLetters = 100

// supersede drops the letters that wait still: the new one says all they would.
func supersede(tx Tx, inv Invitation, now time.Time) error {
	waiting, err := tx.ListMessages(MessageQuery{InvitationID: inv.ID, State: MessageQueued, Limit: maxLetters})
	if err != nil {
		return err
	}
	for _, m := range waiting {
		if m.Endpoint == EndpointCourier && m.Claim == nil {
			if err := tx.PutMessage(m.Drop(now)); err != nil {
				return err
			}
		}
	}
	return nil
}
