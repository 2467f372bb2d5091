package webhook

import (
	"log/slog"
	"time"

	"invitebridge/bridge"
)

// Config says which hooks there are, and where they may lead.
type Config struct {
	Hooks []Hook // in the order in which they are asked and told

	// DisallowPrivateIPRanges refuses every address that is not public: private,
	// loopback, link-local, shared, reserved, and IPv6 forms that wrap another
	// address. PrivateIPExceptionURLs are hook URLs that may lead there all the
	// same. They are compared as a whole, without query: no patterns.
	DisallowPrivateIPRanges bool
	PrivateIPExceptionURLs  []string

	Version string           // of the bridge, for User-Agent; may be empty
	Now     func() time.Time // the clock of [Webhooks.Ask]; nil: time.Now
}

// Hook is one receiver. It prints as its id, for it holds secrets.
type Hook struct {
	ID      string         // 1 to 64 of a-z, 0-9, "_" and "-"; not [bridge.EndpointCourier]
	Events  []bridge.Event // at least one; all blocking, or none
	URL     string         // absolute, http or https, without user information
	Method  string         // POST, PUT or PATCH; empty: POST
	Headers map[string]string
	Auth    Auth
	// Secrets sign, all of them: "whsec_" and the base64 of 24 to 64 bytes.
	Secrets []string
	// Body is where a Jsonnet function(ctx) is, as file:// or base64://. Empty:
	// the payload is sent as it is. As in Kratos, a template that raises the
	// error "cancel" suppresses the request, and that counts as a success.
	Body    string
	Timeout time.Duration // of an attempt in all, 1 s to 30 s; zero: 15 s
	// CanInterrupt says that the receiver may refuse. It must be set for
	// blocking events, and for no others.
	CanInterrupt bool
}

// Auth is how the bridge makes itself known to a receiver. It prints as its
// type. The zero value sends nothing.
type Auth struct {
	Type string // AuthAPIKey, AuthBasic or empty

	// For AuthAPIKey. In is "header" or "cookie"; empty: "header".
	Name, Value, In string

	// For AuthBasic.
	User, Password string
}

// The types of Auth, by their names in Kratos.
const (
	AuthAPIKey = "api_key"
	AuthBasic  = "basic_auth"
)

// String gives the id.
func (h Hook) String() string { return "hook " + h.ID }

// GoString gives the id, for %#v.
func (h Hook) GoString() string { return h.String() }

// LogValue gives the id, for slog.
func (h Hook) LogValue() slog.Value { return slog.StringValue(h.String()) }

// String gives the type.
func (a Auth) String() string { return a.Type }

// GoString gives the type, for %#v.
func (a Auth) GoString() string { return a.String() }

// LogValue gives the type, for slog.
func (a Auth) LogValue() slog.Value { return slog.StringValue(a.String()) }
