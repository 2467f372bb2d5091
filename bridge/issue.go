package bridge

import (
	"context"
	"strings"
	"time"
)

// IssuedInvitation is an invitation with a new token, if the caller may have one. It and [Dispatch] are the
// only places where a plain token leaves the domain.
type IssuedInvitation struct {
	Invitation Invitation
	Token      Token
	Link       string // contains the token, so it is a secret as well
	Created    bool   // false: the invitation existed before
}

// issuing is how an invitation is stored with a new token.
type issuing struct {
	held  *hold // ends with it; nil: nothing is held
	quiet bool  // the invitee gets no email
	put   func(Tx, Invitation) error
	// store is called after put, instead of minting a token for the caller.
	store func(Tx, Invitation) error
	first IdempotentRequest // to be stored, with the id of the invitation; Key zero: none
	mute  bool              // neither the invitee nor hooks are notified
	// noToken: the caller gets no token. Those of emails and hooks are minted for them.
	noToken bool
	spaced  bool // refuse within the cooldown: not every notification takes the lock of the address
}

// issue mints a token for the caller and commits it together with the invitation that change
// returns. It emits EventTokenCreated if announce is true or the cooldown is over.
func (s *Service) issue(ctx context.Context, how issuing, change func(Tx) (inv Invitation, announce bool, err error)) (IssuedInvitation, error) {
	var inv Invitation
	token, now, created := MintToken(), s.now(), s.prepare(EventTokenCreated)
	created.reserve(now)
	defer created.release()
	err := s.update(ctx, func(tx Tx) (err error) {
		var announce bool
		if inv, announce, err = change(tx); err != nil {
			return err
		}
		if how.spaced {
			if err := s.checkCooldown(inv, now); err != nil {
				return err
			}
		}
		links := created.includesHooks()
		mail := !how.quiet && !how.mute && (announce || (links || created.includesEmail()) && s.cooldownOver(inv.InviteeNotifiedAt, now))
		hooks := links && !how.mute && (announce || s.cooldownOver(inv.HooksNotifiedAt, now))
		if mail {
			inv = inv.MarkNotified(now, created.includesEmail())
		}
		if hooks {
			inv.HooksNotifiedAt = now
		}
		if err = how.put(tx, inv); err != nil {
			return err
		}
		if err = how.held.end(tx); err != nil {
			return err
		}
		if mail {
			if err = supersede(tx, inv, now); err != nil {
				return err
			}
		}
		err = created.enqueue(tx, payload(EventTokenCreated, inv, now), inv, func(endpoint string) bool {
			return endpoint == EndpointCourier && !mail || endpoint != EndpointCourier && !hooks
		})
		if err != nil {
			return err
		}
		if how.store != nil {
			return how.store(tx, inv)
		}
		if how.first.Key != (Digest{}) {
			how.first.ID, how.first.At = inv.ID, now
			if err := tx.PutIdempotentRequest(how.first); err != nil {
				return err
			}
		}
		if how.noToken {
			return nil
		}
		return tx.PutToken(token.Digest(), TokenRecord{InvitationID: inv.ID, Channel: ChannelAPI, Epoch: inv.Epoch})
	})
	if err != nil {
		s.wakeUnsure(err, created)
		return IssuedInvitation{}, err
	}
	if how.held != nil {
		how.held.ended = true
	}
	s.wake(created)
	if how.noToken {
		return IssuedInvitation{Invitation: inv}, nil
	}
	return IssuedInvitation{Invitation: inv, Token: token, Link: s.link(token)}, nil
}

func (s *Service) cooldownOver(last, now time.Time) bool {
	return !now.Before(last.Add(s.config.Cooldown))
}

// maxSuperseded bounds how many queued emails a new one supersedes.
const maxSuperseded = 100

// supersede drops the emails that are still queued: the new one replaces them.
func supersede(tx Tx, inv Invitation, now time.Time) error {
	waiting, err := tx.ListMessages(MessageQuery{InvitationID: inv.ID, State: MessageQueued, Limit: maxSuperseded})
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

func (s *Service) link(t Token) string {
	return strings.ReplaceAll(s.config.LinkTemplate, "{token}", t.Reveal())
}
