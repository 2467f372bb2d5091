package webhook

import (
	"log/slog"
	"time"

	"invitebridge/bridge"
)

// Config lists the hooks and restricts the addresses they may use.
type Config struct {
	Hooks []Hook // in the order in which they are called and notified

	// DisallowPrivateIPRanges rejects every address that is not public: private,
	// loopback, link-local, shared, reserved, and IPv6 forms that embed an IPv4
	// address. PrivateIPExceptionURLs are hook URLs that are exempt. Whole URLs
	// without the query are compared; patterns are not supported.
	DisallowPrivateIPRanges bool
	PrivateIPExceptionURLs  []string

	Version string           // of the bridge, for User-Agent; may be empty
	Now     func() time.Time // the clock of [Webhooks.Call]; nil: time.Now
}

// Hook is one receiver. It prints as its id, because it contains secrets.
type Hook struct {
	ID      string         // 1 to 64 of a-z, 0-9, "_" and "-"; not [bridge.EndpointCourier]
	Events  []bridge.Event // at least one; all blocking, or none
	URL     string         // absolute, http or https, without user information
	Method  string         // POST, PUT or PATCH; empty: POST
	Headers map[string]string
	Auth    Auth
	// Secrets are the signing keys; each request has a signature for each. The
	// form is "whsec_" and the base64 of 24 to 64 bytes.
	Secrets []string
	// Body is the location of a Jsonnet function(ctx), as file:// or base64://.
	// Empty: the payload is sent unchanged. As in Kratos, a template that raises
	// the error "cancel" suppresses the request, which counts as a success.
	Body    string
	Timeout time.Duration // of a whole attempt, 1 s to 30 s; zero: 15 s
	// CanInterrupt allows the receiver to refuse. It must be set for blocking
	// events, and only for those.
	CanInterrupt bool
}

// Auth is how the bridge authenticates to a receiver. It prints as its type. The
// zero value sends no credentials.
type Auth struct {
	Type string // AuthAPIKey, AuthBasic or empty

	// For AuthAPIKey. In is "header" or "cookie"; empty: "header".
	Name, Value, In string

	// For AuthBasic.
	User, Password string
}

// Types of Auth, named as in Kratos.
const (
	AuthAPIKey = "api_key"
	AuthBasic  = "basic_auth"
)

// String returns the id.
func (h Hook) String() string { return "hook " + h.ID }

// GoString returns the id, for %#v.
func (h Hook) GoString() string { return h.String() }

// LogValue returns the id, for slog.
func (h Hook) LogValue() slog.Value { return slog.StringValue(h.String()) }

// String returns the type.
func (a Auth) String() string { return a.Type }

// GoString returns the type, for %#v.
func (a Auth) GoString() string { return a.String() }

// LogValue returns the type, for slog.
func (a Auth) LogValue() slog.Value { return slog.StringValue(a.String()) }
