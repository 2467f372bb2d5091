package main

import (
	"slices"
	"strings"

	"github.com/anishathalye/porcupine"
)

// step is one request about an address, and reply what came back.
type step struct {
	verb       string // invite, look, accept, request revocation, revoke or resend
	invitation string // of all but invite
}

type reply struct {
	text       string // status and error id; lost: there was none, or it leaves open what happened
	invitation string // of invite
}

const lost = "lost"

// The states of an invitation, as its requests show them.
const (
	noInvitation = iota
	isOpen
	isRevoking // a revocation was accepted while an acceptance was under way
	isRevoked
	isTaken
)

// addressState is all that the requests about one address show of it. Values are
// comparable, as the checker needs.
type addressState struct {
	current string // id; unseen: a lost reply had it
	state   int
	ended   string // ids of earlier invitations, which were all revoked
}

const unseen = "?"

func (s addressState) of(id string) int {
	switch {
	case id == s.current:
		return s.state
	case strings.Contains(s.ended, id):
		return isRevoked
	}
	return noInvitation
}

// with returns the state after the current invitation has another one.
func (s addressState) with(state int) addressState {
	s.state = state
	return s
}

// next returns the state after another invitation was created.
func (s addressState) next(id string) addressState {
	return addressState{current: id, state: isOpen, ended: s.ended + s.current + " "}
}

// addressModel says what the requests about an address may answer, one after the
// other.
func addressModel() porcupine.Model {
	m := porcupine.NondeterministicModel{
		Init: func() []any { return []any{addressState{}} },
		Step: func(state, input, output any) (after []any) {
			for _, s := range state.(addressState).after(input.(step), output.(reply)) {
				after = append(after, s)
			}
			return after
		},
	}
	return m.ToModel()
}

// after returns the possible states after a request with this reply; none: the reply
// is wrong.
func (s addressState) after(in step, out reply) []addressState {
	if in.verb == "invite" {
		return s.afterInvite(out)
	}
	was := s.of(in.invitation)
	if was == noInvitation {
		return nil
	}
	same := []addressState{s}
	is := func(states ...int) []addressState {
		if slices.Contains(states, was) {
			return same
		}
		return nil
	}
	// Only the current invitation can change.
	become := func(state int, from ...int) []addressState {
		if in.invitation == s.current && slices.Contains(from, was) {
			return []addressState{s.with(state)}
		}
		return nil
	}
	switch in.verb + " " + out.text {
	case "look 200", "resend 200":
		return is(isOpen)
	case "accept 200":
		return become(isTaken, isOpen, isRevoking)
	case "accept lost":
		return append(same, become(isTaken, isOpen, isRevoking)...)
	case "revoke 200":
		return append(is(isRevoked), become(isRevoked, isOpen, isRevoking)...)
	case "revoke 202":
		return append(is(isRevoking), become(isRevoking, isOpen)...)
	case "revoke lost":
		return slices.Concat(same, become(isRevoked, isOpen, isRevoking), become(isRevoking, isOpen))
	case "look lost", "resend lost":
		return same
	case "request revocation ": // others see it before the acceptance has ended
		return append(same, become(isRevoking, isOpen)...)
	case "resend 409 identity_in_use": // by a later invitation
		return is(isRevoked, isRevoking)
	case "resend 410 invitation_accepted":
		// It reads the identity: Kratos shows an acceptance before it is recorded.
		return is(isTaken, isOpen, isRevoking)
	}
	switch _, id, _ := strings.Cut(out.text, " "); id {
	case "invitation_accepted":
		return is(isTaken)
	case "invitation_revoked":
		return is(isRevoked, isRevoking)
	case "accept_in_progress":
		return is(isOpen, isRevoking)
	case "identity_conflict": // another request has the lease of the address
		return same
	}
	return nil
}

func (s addressState) afterInvite(out reply) []addressState {
	free := s.state == noInvitation || s.state == isRevoked || s.state == isRevoking // the acceptance may have ended
	switch out.text {
	case "201":
		if free {
			return []addressState{s.next(out.invitation)}
		}
	case "200":
		if s.state == isOpen && (s.current == out.invitation || s.current == unseen) {
			s.current = out.invitation
			return []addressState{s}
		}
	case lost:
		if free {
			return []addressState{s, s.next(unseen)}
		}
		return []addressState{s}
	case "409 identity_already_active", "409 accept_in_progress":
		// Kratos shows an acceptance before it is recorded.
		if s.state != noInvitation && s.state != isRevoked {
			return []addressState{s}
		}
	case "409 identity_conflict":
		return []addressState{s}
	}
	return nil
}
