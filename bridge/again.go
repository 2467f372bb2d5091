package bridge

import (
	"context"
	"time"
)

// Again emails a new link for the newest invitation of an address, to that address
// and to no other. Anyone may request it, so the email goes out under the conditions
// of [Service.Renew], whose cooldown and latest decision of the inviter it shares. A
// valid invitation keeps its expiry and its earlier links; an expired one is revived.
// If no email was sent about the invitation before, because its inviter passes on the
// link, none is sent now.
//
// It returns nil whether or not an email was queued. How long it takes depends on
// the address: do not let the requester wait for it.
//
// Errors: ErrEmailInvalid; ErrKratosRejected, ErrKratosUnavailable,
// ErrHookUnavailable, ErrStoreUnavailable.
func (s *Service) Again(ctx context.Context, address string) error {
	email, err := s.ParseEmail(address)
	if err != nil || !s.Renewable() {
		return err
	}
	inv, err := s.newestOf(ctx, email)
	if err == nil {
		err = s.resendByInvitee(ctx, inv, s.linkByAddress)
	}
	return unlessUnavailable(err)
}

// linkByAddress is anotherLink for someone who holds no token.
//
// Errors: those of anotherLink; ErrNotFound if the invitee gets no emails;
// ErrTooManyRequests also for the lifespan of a link after an email that was refused,
// because only emails that were sent make the cooldown longer.
func (s *Service) linkByAddress(inv Invitation, now time.Time) (Invitation, error) {
	if inv.Delivery == DeliveryOff {
		return inv, ErrNotFound
	}
	if inv.Delivery == DeliveryFailed && now.Before(inv.InviteeNotifiedAt.Add(s.config.Lifespan)) {
		return inv, ErrTooManyRequests
	}
	return s.anotherLink(inv, now)
}

// ParseEmail is [ParseEmail] with the conversion that the service is configured with.
//
// Errors: ErrEmailInvalid.
func (s *Service) ParseEmail(text string) (string, error) { return ParseEmail(text, s.config.ToASCII) }
