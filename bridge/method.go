package bridge

import "slices"

// AcceptMethod is how an invitee accepts.
type AcceptMethod string

// The methods.
const (
	// AcceptPassword sets a password.
	AcceptPassword AcceptMethod = "password"
	// AcceptKratos activates the identity as it is. The invitee continues in a
	// recovery flow of the identity system, is signed in there, and chooses a
	// password, a passkey or a social sign-in.
	AcceptKratos AcceptMethod = "kratos"
)

// AcceptMethods returns every method.
func AcceptMethods() []AcceptMethod { return []AcceptMethod{AcceptPassword, AcceptKratos} }

// AcceptParams are the parameters of [Service.AcceptWith].
type AcceptParams struct {
	Method   AcceptMethod
	Password string // for AcceptPassword only
	// Native requests a recovery flow for an app without a browser, for
	// AcceptKratos only.
	Native bool
	// SignIn requests a session for this client, for AcceptPassword only. Nil: none.
	SignIn *Device
}

// Acceptance is the result of [Service.AcceptWith]. What it holds besides the
// invitation is secret, and shown once.
type Acceptance struct {
	Invitation Invitation
	// Recovery is where the invitee continues after AcceptKratos; nil: the identity
	// system did not start a flow.
	Recovery *RecoveryFlow
	// Session is the session that AcceptParams.SignIn requested; nil: the identity
	// system did not create one.
	Session *Session
}

// Methods returns the methods that invitees may use, in the configured order.
func (s *Service) Methods() []AcceptMethod {
	if len(s.config.AcceptWith) == 0 {
		return []AcceptMethod{AcceptPassword}
	}
	return s.config.AcceptWith
}

// Offers reports whether invitees may use a method.
func (s *Service) Offers(m AcceptMethod) bool { return slices.Contains(s.Methods(), m) }

// check returns why an acceptance with these parameters is not permitted.
//
// Errors: ErrBadRequest, ErrMethodNotOffered, ErrSessionNotOffered.
func (p AcceptParams) check(s *Service) error {
	switch {
	case p.Method == AcceptKratos && p.Password != "":
		return ErrBadRequest.WithReasonf("Send either a password or the method kratos. With kratos, the invitee chooses how to sign in later.")
	case p.Method == AcceptKratos && p.SignIn != nil:
		return ErrBadRequest.WithReasonf("A session is available with a password only. With the method kratos, the invitee is signed in by the recovery flow.")
	case p.Method == AcceptPassword && p.Native:
		return ErrBadRequest.WithReasonf("flow_type is for the method kratos only.")
	case !s.Offers(p.Method):
		return ErrMethodNotOffered
	case p.SignIn != nil && !s.config.Sessions:
		return ErrSessionNotOffered
	}
	return nil
}
