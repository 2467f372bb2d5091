package bridge

import (
	"fmt"
	"maps"
	"time"
)

// Kind says what sort of failure an [Error] is. The set is closed: an edge
// translates each kind into its own terms, and nothing else.
type Kind int

// The kinds. Their order carries no meaning.
const (
	KindInternal         Kind = iota // a defect or an unknown failure
	KindInvalid                      // the input is wrong
	KindUnauthorized                 // the caller is not known
	KindForbidden                    // the caller is known and may not
	KindNotFound                     // there is no such thing
	KindNotAllowed                   // the thing is there, the verb is not
	KindConflict                     // the state of things forbids it
	KindGone                         // it was there and has ended
	KindTooLarge                     // the input is too long
	KindUnsupportedMedia             // the input has the wrong type
	KindTooMany                      // too often
	KindRejected                     // the identity system refused
	KindUnavailable                  // a dependency did not answer; a retry is safe
)

// Kinds returns every kind, for tests that walk them all.
func Kinds() []Kind {
	kinds := make([]Kind, 0, KindUnavailable+1)
	for k := KindInternal; k <= KindUnavailable; k++ {
		kinds = append(kinds, k)
	}
	return kinds
}

// Error is a failure with a stable id. Reason is a text for people that says
// what to do and never carries a secret. Cause is for the log only.
//
// Two errors are the same to [errors.Is] if their ids are.
type Error struct {
	Kind       Kind
	ID         string
	Reason     string
	Messages   []UIText       // what a user interface shows beside a field
	Extra      map[string]any // further details, for callers
	RetryAfter time.Duration  // zero: no advice
	Cause      error          // hidden from callers
}

// UIText is one text for the invitee, in the shape of Kratos' type of that name.
type UIText struct {
	ID          int            `json:"id"`
	Text        string         `json:"text"`
	Type        string         `json:"type"`
	Context     map[string]any `json:"context,omitempty"`
	InstancePtr string         `json:"instance_ptr,omitempty"` // the field it is about
}

// Error gives the id, the reason and the cause: a text for logs.
func (e *Error) Error() string {
	if e.Cause != nil {
		return fmt.Sprintf("%s: %s: %v", e.ID, e.Reason, e.Cause)
	}
	return e.ID + ": " + e.Reason
}

// Unwrap gives the hidden cause.
func (e *Error) Unwrap() error { return e.Cause }

// Is compares by id.
func (e *Error) Is(target error) bool {
	t, ok := target.(*Error)
	return ok && t.ID == e.ID
}

// Because returns a copy of e with a hidden cause.
func (e *Error) Because(cause error) *Error {
	c := *e
	c.Cause = cause
	return &c
}

// Reasonf returns a copy of e with a reason of its own.
func (e *Error) Reasonf(format string, args ...any) *Error {
	c := *e
	c.Reason = fmt.Sprintf(format, args...)
	return &c
}

// Details returns a copy of e with one further detail for callers.
func (e *Error) Details(name string, value any) *Error {
	c := *e
	c.Extra = maps.Clone(e.Extra)
	if c.Extra == nil {
		c.Extra = make(map[string]any)
	}
	c.Extra[name] = value
	return &c
}

// After returns a copy of e that advises to try again after d.
func (e *Error) After(d time.Duration) *Error {
	c := *e
	c.RetryAfter = d
	return &c
}

// The errors. Their ids are a promise to callers; their texts are not.
var (
	ErrBadRequest             = &Error{Kind: KindInvalid, ID: "bad_request", Reason: "The request could not be understood."}
	ErrEmailInvalid           = &Error{Kind: KindInvalid, ID: "email_invalid", Reason: "Give one plain e-mail address, such as name@example.com."}
	ErrTraitsInvalid          = &Error{Kind: KindInvalid, ID: "traits_invalid", Reason: "The traits or the metadata do not fit the identity schema."}
	ErrReturnTo               = &Error{Kind: KindInvalid, ID: "return_to_not_allowed", Reason: "return_to is not below any of the configured invitation.allowed_return_urls."}
	ErrExpiresIn              = &Error{Kind: KindInvalid, ID: "expires_in_invalid", Reason: "expires_in is not a duration such as \"48h\" between one second and the configured maximum."}
	ErrPasswordPolicy         = &Error{Kind: KindInvalid, ID: "password_policy_violation", Reason: "The password does not meet the password policy. Choose another one; the invitation is still good."}
	ErrUnauthorized           = &Error{Kind: KindUnauthorized, ID: "unauthorized", Reason: "Send a valid API key as \"Authorization: Bearer KEY\"."}
	ErrNotFound               = &Error{Kind: KindNotFound, ID: "invitation_not_found", Reason: "There is no such invitation. Check the link or the id."}
	ErrMessageNotFound        = &Error{Kind: KindNotFound, ID: "message_not_found", Reason: "There is no such message. Check the id."}
	ErrEndpointNotFound       = &Error{Kind: KindNotFound, ID: "endpoint_not_found", Reason: "No endpoint of this id is configured. Hooks that can refuse are called at once and have none."}
	ErrNoRoute                = &Error{Kind: KindNotFound, ID: "not_found", Reason: "There is nothing at this address."}
	ErrMethodNotAllowed       = &Error{Kind: KindNotAllowed, ID: "method_not_allowed", Reason: "This address does not answer that method."}
	ErrIdentityActive         = &Error{Kind: KindConflict, ID: "identity_already_active", Reason: "The identity is already active. It can sign in, or recover its account; it needs no invitation."}
	ErrIdentityConflict       = &Error{Kind: KindConflict, ID: "identity_conflict", Reason: "An identity with other data is in the way."}
	ErrIdentityInUse          = &Error{Kind: KindConflict, ID: "identity_in_use", Reason: "The identity of this invitation was used, activated or changed meanwhile, so the invitation is closed. Look at the identity in Kratos, and invite the address anew if it needs an invitation."}
	ErrIdentityDeactivated    = &Error{Kind: KindConflict, ID: "identity_deactivated", Reason: "The identity was used before and is deactivated. To give the account back to its holder, activate it in Kratos. To give it to whoever has the mailbox now, send \"reactivate\": true: that removes every session and credential of it."}
	ErrIdentityHasCredentials = &Error{Kind: KindConflict, ID: "identity_has_credentials", Reason: "The identity was never used, but was imported with a password or a sign-in with another provider. Its holder needs no invitation: activate it in Kratos. To invite it all the same, send \"reactivate\": true: that removes these credentials."}
	ErrTooEarly               = &Error{Kind: KindConflict, ID: "accept_too_early", Reason: "The invitation cannot be accepted yet. Try again later with the same link."}
	ErrAcceptInProgress       = &Error{Kind: KindConflict, ID: "accept_in_progress", Reason: "The invitation is being accepted right now. Try again in a moment."}
	ErrMessageEnded           = &Error{Kind: KindConflict, ID: "message_not_failed", Reason: "The message was sent, or nobody needs it any more. Only one that failed, or that waits, can be sent again."}
	ErrEndpointDisabled       = &Error{Kind: KindConflict, ID: "endpoint_disabled", Reason: "The endpoint is disabled, because its receiver answered 410. Enable the endpoint first, then retry the message."}
	ErrExpired                = &Error{Kind: KindGone, ID: "invitation_expired", Reason: "The invitation has expired. Ask for a new one."}
	ErrRevoked                = &Error{Kind: KindGone, ID: "invitation_revoked", Reason: "The invitation was withdrawn. Ask the inviter."}
	ErrAccepted               = &Error{Kind: KindGone, ID: "invitation_accepted", Reason: "The invitation was already accepted. Sign in with the password that was chosen then."}
	ErrTooLarge               = &Error{Kind: KindTooLarge, ID: "body_too_large", Reason: "The request body is too large."}
	ErrUnsupportedMedia       = &Error{Kind: KindUnsupportedMedia, ID: "unsupported_media_type", Reason: "Send the body as Content-Type: application/json."}
	ErrTooMany                = &Error{Kind: KindTooMany, ID: "too_many_requests", Reason: "Too many requests from this address. Wait, then try again."}
	ErrKratosRejected         = &Error{Kind: KindRejected, ID: "kratos_rejected", Reason: "Kratos refused the request; nothing was changed. The operator finds the cause in the log."}
	ErrKratosAway             = &Error{Kind: KindUnavailable, ID: "kratos_unavailable", Reason: "Kratos did not answer. A retry is safe.", RetryAfter: 5 * time.Second}
	ErrStoreAway              = &Error{Kind: KindUnavailable, ID: "store_unavailable", Reason: "The invitation store did not answer. A retry is safe.", RetryAfter: 5 * time.Second}
	ErrHookRefused            = &Error{Kind: KindForbidden, ID: "hook_refused", Reason: "A hook of the operator refused this."}
	ErrHookUnavailable        = &Error{Kind: KindUnavailable, ID: "hook_unavailable", Reason: "A hook of the operator gave no answer that could be understood. A retry is safe.", RetryAfter: 5 * time.Second}
	ErrInternal               = &Error{Kind: KindInternal, ID: "internal", Reason: "An internal error happened. Report it with the request id."}
)
