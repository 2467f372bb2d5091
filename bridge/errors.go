package bridge

import (
	"errors"
	"fmt"
	"maps"
	"strings"
	"time"
)

// Kind classifies an [Error]. The set is closed: each edge, such as the HTTP API,
// translates kinds into its own terms and needs nothing else.
type Kind int

// The kinds. Their order carries no meaning.
const (
	KindInternal         Kind = iota // a defect or an unknown failure
	KindInvalid                      // the input is invalid
	KindUnauthorized                 // the caller is not authenticated
	KindForbidden                    // the operation is refused
	KindNotFound                     // the object does not exist
	KindNotAllowed                   // the path exists but does not support the method
	KindConflict                     // the current state does not permit the operation
	KindGone                         // the object existed and has ended
	KindTooLarge                     // the input is too long
	KindUnsupportedMedia             // the input has the wrong media type
	KindTooMany                      // too many requests
	KindRejected                     // the identity system refused
	KindNotSupported                 // this installation does not support the operation
	KindUnavailable                  // a dependency did not respond; retrying is safe
)

// Kinds returns every kind, for tests that cover them all.
func Kinds() []Kind {
	kinds := make([]Kind, 0, KindUnavailable+1)
	for k := KindInternal; k <= KindUnavailable; k++ {
		kinds = append(kinds, k)
	}
	return kinds
}

// Error is a failure with a stable id. Reason tells a human what happened and
// what to do, and never contains a secret. Cause is for logs only.
//
// [errors.Is] compares errors by id.
type Error struct {
	Kind       Kind
	ID         string
	Reason     string
	Messages   []UIText       // texts that a user interface shows beside a field
	Extra      map[string]any // further details, for callers
	RetryAfter time.Duration  // zero: no advice
	Cause      error          // hidden from callers
	Stranger   *Error         // what callers get instead who may see nothing of others; nil: this one
}

// UIText is one text for the invitee, in the format of Kratos' type of that name.
type UIText struct {
	ID          int            `json:"id"`
	Text        string         `json:"text"`
	Type        string         `json:"type"`
	Context     map[string]any `json:"context,omitempty"`
	InstancePtr string         `json:"instance_ptr,omitempty"` // the field that it concerns
}

// Error returns the id, the reason and the cause, for logs.
func (e *Error) Error() string {
	if e.Cause != nil {
		return fmt.Sprintf("%s: %s: %v", e.ID, e.Reason, e.Cause)
	}
	return e.ID + ": " + e.Reason
}

// Unwrap returns the hidden cause.
func (e *Error) Unwrap() error { return e.Cause }

// Is reports whether target is an [*Error] with the same id.
func (e *Error) Is(target error) bool {
	t, ok := target.(*Error)
	return ok && t.ID == e.ID
}

// WithCause returns a copy of e with a hidden cause.
func (e *Error) WithCause(cause error) *Error {
	c := *e
	c.Cause = cause
	return &c
}

// WithStranger returns a copy of e with what callers get instead who may see nothing of
// others.
func (e *Error) WithStranger(instead *Error) *Error {
	c := *e
	c.Stranger = instead
	return &c
}

// forStranger returns what a caller gets who may see nothing of others.
func forStranger(err error) error {
	var e *Error
	if errors.As(err, &e) && e.Stranger != nil {
		return e.Stranger.WithCause(err)
	}
	return err
}

// WithReasonf returns a copy of e with another reason.
func (e *Error) WithReasonf(format string, args ...any) *Error {
	c := *e
	c.Reason = fmt.Sprintf(format, args...)
	return &c
}

// WithDetails returns a copy of e with one more detail for callers.
func (e *Error) WithDetails(name string, value any) *Error {
	c := *e
	c.Extra = maps.Clone(e.Extra)
	if c.Extra == nil {
		c.Extra = make(map[string]any)
	}
	c.Extra[name] = value
	return &c
}

// WithRetryAfter returns a copy of e that advises callers to retry after d.
func (e *Error) WithRetryAfter(d time.Duration) *Error {
	c := *e
	c.RetryAfter = d
	return &c
}

// The errors. Their ids are part of the API; their texts may change.
var (
	ErrBadRequest              = &Error{Kind: KindInvalid, ID: "bad_request", Reason: "The request was malformed or contained invalid parameters."}
	ErrEmailInvalid            = &Error{Kind: KindInvalid, ID: "email_invalid", Reason: "The email address is invalid. Use a plain address such as name@example.com."}
	ErrTraitsInvalid           = &Error{Kind: KindInvalid, ID: "traits_invalid", Reason: "The traits or metadata do not match the identity schema."}
	ErrFieldNotSupported       = &Error{Kind: KindInvalid, ID: "field_not_supported", Reason: "This Kratos does not know external_id or organization_id: creating an identity with them needs v25.4.0 or later. Upgrade Kratos, or omit the field."}
	ErrReturnToNotAllowed      = &Error{Kind: KindInvalid, ID: "return_to_not_allowed", Reason: "return_to is not covered by any of the configured invitation.allowed_return_urls."}
	ErrExpiresInInvalid        = &Error{Kind: KindInvalid, ID: "expires_in_invalid", Reason: "expires_in must be a duration such as \"48h\", between one second and the configured maximum."}
	ErrImportInvalid           = &Error{Kind: KindInvalid, ID: "import_invalid", Reason: "The file cannot be imported. Send a CSV file whose first line names the columns, or one JSON object per line."}
	ErrPasswordPolicyViolation = &Error{Kind: KindInvalid, ID: "password_policy_violation", Reason: "The password does not meet the password policy. Choose another one; the invitation is still valid."}
	ErrMethodNotOffered        = &Error{Kind: KindInvalid, ID: "accept_method_not_offered", Reason: "The invitation cannot be accepted like this. Use one of the methods that the invitation's accept_with lists; the operator sets them in invitation.accept_with."}
	ErrSessionNotOffered       = &Error{Kind: KindInvalid, ID: "session_not_offered", Reason: "Sessions are not offered. Accept without \"session\", then sign in; the operator may set invitation.session to true."}
	ErrUnauthorized            = &Error{Kind: KindUnauthorized, ID: "unauthorized", Reason: "Send a valid API key as \"Authorization: Bearer KEY\"."}
	ErrForbidden               = &Error{Kind: KindForbidden, ID: "forbidden", Reason: "The API key lacks the scope for this."}
	ErrNotFound                = &Error{Kind: KindNotFound, ID: "invitation_not_found", Reason: "The invitation does not exist. Check the link or the id."}
	ErrMessageNotFound         = &Error{Kind: KindNotFound, ID: "message_not_found", Reason: "The message does not exist. Check the id."}
	ErrEndpointNotFound        = &Error{Kind: KindNotFound, ID: "endpoint_not_found", Reason: "No endpoint with this id is configured. Blocking hooks are called synchronously and have no endpoint."}
	ErrImportNotFound          = &Error{Kind: KindNotFound, ID: "import_not_found", Reason: "The import does not exist. Check the id."}
	ErrRouteNotFound           = &Error{Kind: KindNotFound, ID: "not_found", Reason: "The requested path does not exist."}
	ErrMethodNotAllowed        = &Error{Kind: KindNotAllowed, ID: "method_not_allowed", Reason: "The requested path does not support this method."}
	ErrIdentityAlreadyActive   = &Error{Kind: KindConflict, ID: "identity_already_active", Reason: "The identity is already active. It can sign in or recover its account and needs no invitation."}
	ErrInvitationExists        = &Error{Kind: KindConflict, ID: "invitation_exists", Reason: "The address has a pending invitation. Nothing of it is shown with this API key, and nothing was changed. To invite the address anew, have that invitation revoked first."}
	ErrTooManyPending          = &Error{Kind: KindConflict, ID: "too_many_pending", Reason: "The maximum number of pending invitations is reached, see details.max_pending. Revoke some, or wait until some are accepted or expire."}
	ErrIdentityConflict        = &Error{Kind: KindConflict, ID: "identity_conflict", Reason: "An existing identity conflicts with this request."}
	ErrIdentityInUse           = &Error{Kind: KindConflict, ID: "identity_in_use", Reason: "The identity of this invitation was used, activated or changed in the meantime, so the invitation is revoked. Check the identity in Kratos, and create a new invitation if it still needs one."}
	ErrIdentityDeactivated     = &Error{Kind: KindConflict, ID: "identity_deactivated", Reason: "The identity was used before and is deactivated. To return the account to its holder, activate it in Kratos. To give it to the current owner of the mailbox, send \"reactivate\": true, which removes all its sessions and credentials."}
	ErrIdentityHasCredentials  = &Error{Kind: KindConflict, ID: "identity_has_credentials", Reason: "The identity was never used, but was imported with a password or a sign-in through another provider. Its holder needs no invitation: activate it in Kratos. To invite it anyway, send \"reactivate\": true, which removes these credentials."}
	ErrAcceptTooEarly          = &Error{Kind: KindConflict, ID: "accept_too_early", Reason: "The invitation cannot be accepted yet. Try again later with the same link."}
	ErrAcceptInProgress        = &Error{Kind: KindConflict, ID: "accept_in_progress", Reason: "The invitation is being accepted right now. Try again in a moment."}
	ErrMessageNotFailed        = &Error{Kind: KindConflict, ID: "message_not_failed", Reason: "Only failed or queued messages can be retried; this one was sent or dropped."}
	ErrImportLoading           = &Error{Kind: KindConflict, ID: "import_loading", Reason: "The file of this import is still being uploaded. Wait for the response to the upload, then try again."}
	ErrImportEnded             = &Error{Kind: KindConflict, ID: "import_ended", Reason: "The import has finished or was canceled. To invite its remaining rows, send them as a new import."}
	ErrIdempotencyKeyReused    = &Error{Kind: KindConflict, ID: "idempotency_key_reused", Reason: "This Idempotency-Key was used in the last 24 hours for a request with other content. Send a new key with each new request."}
	ErrEndpointDisabled        = &Error{Kind: KindConflict, ID: "endpoint_disabled", Reason: "The endpoint is disabled because its receiver responded with status 410. Enable the endpoint, then retry the message."}
	ErrExpired                 = &Error{Kind: KindGone, ID: "invitation_expired", Reason: "The invitation has expired. Ask for a new one."}
	ErrRevoked                 = &Error{Kind: KindGone, ID: "invitation_revoked", Reason: "The invitation was revoked. Contact the person who invited you."}
	ErrAccepted                = &Error{Kind: KindGone, ID: "invitation_accepted", Reason: "The invitation was already accepted. Sign in, or recover the account."}
	ErrBodyTooLarge            = &Error{Kind: KindTooLarge, ID: "body_too_large", Reason: "The request body is too large."}
	ErrUnsupportedMediaType    = &Error{Kind: KindUnsupportedMedia, ID: "unsupported_media_type", Reason: "Send the body as Content-Type: application/json."}
	ErrTooManyRequests         = &Error{Kind: KindTooMany, ID: "too_many_requests", Reason: "Too many requests from this address. Wait, then try again."}
	ErrKratosRejected          = &Error{Kind: KindRejected, ID: "kratos_rejected", Reason: "Kratos rejected the request. Nothing was changed. The log of the bridge contains the cause."}
	ErrKratosUnavailable       = &Error{Kind: KindUnavailable, ID: "kratos_unavailable", Reason: "Kratos did not respond. Retrying is safe.", RetryAfter: 5 * time.Second}
	ErrStoreUnavailable        = &Error{Kind: KindUnavailable, ID: "store_unavailable", Reason: "The invitation store did not respond. Retrying is safe.", RetryAfter: 5 * time.Second}
	ErrBackupNotSupported      = &Error{Kind: KindNotSupported, ID: "backup_not_supported", Reason: "The store is a PostgreSQL database, which the bridge does not copy. Back it up with pg_dump, or archive its WAL for point-in-time recovery."}
	ErrHookRefused             = &Error{Kind: KindForbidden, ID: "hook_refused", Reason: "A hook of the operator refused the request."}
	ErrHookUnavailable         = &Error{Kind: KindUnavailable, ID: "hook_unavailable", Reason: "A hook of the operator did not return a valid response. Retrying is safe.", RetryAfter: 5 * time.Second}
	ErrInternal                = &Error{Kind: KindInternal, ID: "internal", Reason: "An internal error occurred. Report it together with the request id."}
)

// durationText formats a duration for people: 1m0s as 1m, 720h0m0s as 720h.
func durationText(d time.Duration) string {
	text := d.String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}
