// Package config defines the configuration and loads it.
//
// Load starts from the defaults and overlays files and environment variables.
// It is strict: unknown keys and values are problems and never ignored. It
// reports all problems at once, each with its place. No problem quotes a value,
// so a mistyped secret stays out of logs and terminals. The one exception is a
// host with non-ASCII letters: the problem shows how to write it in ASCII.
//
// The same structure is published as a commented example for people and as a
// JSON schema for editors; tests keep both in step with the structs below.
//
// The package imports nothing else of this module.
package config

// Config is the whole configuration. Keys have the names that Kratos uses for
// the same settings. Use only a Config that Load or Validate accepted; the
// comments of the fields assume that.
type Config struct {
	// DSN names the store: bolt:// and the absolute path of a file, or
	// postgres:// and what follows in a URL of libpq, which may have a password.
	// It is empty only in development. See Config.BoltPath and
	// Config.PostgresDSN.
	DSN         Secret      `yaml:"dsn"`
	Serve       Serve       `yaml:"serve"`
	Kratos      Kratos      `yaml:"kratos"`
	Invitation  Invitation  `yaml:"invitation"`
	Import      Import      `yaml:"import"`
	Inviters    Inviters    `yaml:"inviters"`
	Selfservice Selfservice `yaml:"selfservice"`
	// Hooks are called in this order.
	Hooks   []Hook  `yaml:"hooks"`
	Clients Clients `yaml:"clients"`
	Courier Courier `yaml:"courier"`
	Page    Page    `yaml:"page"`
	Log     Log     `yaml:"log"`
	Tracing Tracing `yaml:"tracing"`
}

// Serve configures the two listeners, and what happens before they open.
type Serve struct {
	// Migrate brings the schema of a PostgreSQL database up to date at start.
	Migrate bool `yaml:"migrate"`
	// BasePath is the path of the API on both listeners. It begins with a slash
	// and does not end in one.
	BasePath string `yaml:"base_path"`
	Public   Public `yaml:"public"`
	Admin    Admin  `yaml:"admin"`
}

// Public configures the listener for invitees and their browsers.
type Public struct {
	// Host is an IP address or a host name; empty means every interface.
	// "unix:" and an absolute path name a unix socket; Port is then ignored.
	Host string `yaml:"host"`
	// Port is the TCP port; 0 lets the system choose a free one.
	Port   int    `yaml:"port"`
	Socket Socket `yaml:"socket"`
	TLS    TLS    `yaml:"tls"`
	// BaseURL is where invitees reach this listener, perhaps through a proxy.
	BaseURL string `yaml:"base_url"`
	CORS    CORS   `yaml:"cors"`
	// TrustedProxies are the IP addresses and CIDR networks whose headers about
	// the client's address are trusted; "unix:" trusts every client of the unix
	// socket. See Config.TrustedProxies and Config.TrustsUnixPeers.
	TrustedProxies []string  `yaml:"trusted_proxies"`
	RateLimit      RateLimit `yaml:"rate_limit"`
}

// CORS lets pages of other origins call the public listener. Credentials are
// never allowed: the listener uses no cookies.
type CORS struct {
	Enabled bool `yaml:"enabled"`
	// AllowedOrigins are origins as browsers send them, or "*" for any.
	AllowedOrigins []string `yaml:"allowed_origins"`
}

// RateLimit limits the requests of one client.
type RateLimit struct {
	// Requests is the number allowed in each Window; 0 means no limit.
	Requests int      `yaml:"requests"`
	Window   Duration `yaml:"window"`
}

// Admin configures the listener for inviters, backends and operators.
type Admin struct {
	// Host, Port, Socket and TLS are as in Public.
	Host   string `yaml:"host"`
	Port   int    `yaml:"port"`
	Socket Socket `yaml:"socket"`
	TLS    TLS    `yaml:"tls"`
	// APIKeys are the keys that this listener accepts. There is at least one,
	// except in development mode.
	APIKeys []APIKey `yaml:"api_keys"`
}

// APIKey is one caller's key, given in plain text or as a digest.
type APIKey struct {
	// Name identifies the caller in logs and metrics. It is not secret. Two keys can
	// have one name, so that a caller can change from one to the other.
	Name string `yaml:"name"`
	// Key is the key in plain text; empty if KeySHA256 is set.
	Key Secret `yaml:"key"`
	// KeySHA256 is the SHA-256 digest of the key in hexadecimal; empty if Key
	// is set. See APIKey.Digest.
	KeySHA256 Secret `yaml:"key_sha256"`
	// Scopes are what the caller may do, of those in Scopes; nil: everything.
	Scopes []string `yaml:"scopes"`
	// ExpiresAt is when the key ceases to be accepted; empty: never. See APIKey.Expiry.
	ExpiresAt string `yaml:"expires_at"`
	// RateLimit limits the POST and DELETE requests with the keys of this name. Keys of one
	// name have the same.
	RateLimit RateLimit `yaml:"rate_limit"`
	// MaxPending is how many invitations that the caller has created may be pending; 0: any
	// number. Keys of one name have the same.
	MaxPending int `yaml:"max_pending"`
}

// Kratos configures access to Ory Kratos and its identity schemas.
type Kratos struct {
	PublicURL string `yaml:"public_url"`
	AdminURL  string `yaml:"admin_url"`
	// AdminToken is sent as a bearer token to the admin API; empty sends none.
	AdminToken Secret `yaml:"admin_token"`
	// SchemaID is the identity schema of an invitation that names none.
	SchemaID string `yaml:"schema_id"`
	// EmailTrait locates the email address inside the traits.
	EmailTrait EmailTraits `yaml:"email_trait"`
	// Timeout bounds one call, from 1 to 60 seconds.
	Timeout Duration `yaml:"timeout"`
	// CodeLifespan is how long Kratos' codes and links are valid: the longest
	// config.lifespan of its methods code and link, or the longest expires_in
	// that a team's own tools request from the admin API. A deactivated identity
	// can be accepted again no earlier than this after it was invited. From 1
	// minute to 720 hours.
	CodeLifespan Duration `yaml:"code_lifespan"`
	// NeverUsedSince is an RFC 3339 time, or empty. See Config.NeverUsedSince.
	NeverUsedSince string `yaml:"never_used_since"`
}

// Invitation holds the rules of invitations.
type Invitation struct {
	// Lifespan is how long an invitation is valid unless the inviter asks for
	// another duration, which may be up to MaxLifespan.
	Lifespan    Duration `yaml:"lifespan"`
	MaxLifespan Duration `yaml:"max_lifespan"`
	// Cooldown is the minimum time between two emails to one invitee, unless a
	// resend asked for the second.
	Cooldown Duration `yaml:"cooldown"`
	// Reminders are the times before the expiry at which an invitee is reminded, unless
	// the inviter asks for others: at most 5, different, each shorter than MaxLifespan.
	Reminders []Duration `yaml:"reminders"`
	// QuietHours hold back reminders and rows of imports. They are two times of day and
	// an IANA time zone, such as "22:00-07:00 Europe/Berlin"; empty means that there are
	// none.
	QuietHours string `yaml:"quiet_hours"`
	// Retention is how long a terminal invitation is kept, with its messages. It
	// is at least 96 hours, longer than messages are attempted.
	Retention Duration `yaml:"retention"`
	// LinkURL has {token} where the token goes; empty means the hosted page. See
	// Config.LinkTemplate.
	LinkURL string `yaml:"link_url"`
	// ReturnTo is where an invitee goes after accepting; empty means Kratos'
	// login. See Config.DefaultReturnURL.
	ReturnTo string `yaml:"return_to"`
	// AllowedReturnURLs are the URLs an inviter may ask for instead.
	AllowedReturnURLs []string `yaml:"allowed_return_urls"`
	// AcceptWith lists how invitees may accept: AcceptPassword, AcceptKratos or both.
	AcceptWith []string `yaml:"accept_with"`
	// Session lets a client of the API request a session when it accepts with a
	// password.
	Session bool `yaml:"session"`
	// UnacceptedIdentities is what happens in Kratos to an identity that was
	// created for an invitation which was never accepted: UnacceptedKeep,
	// UnacceptedAtPurge or UnacceptedAtExpiry.
	UnacceptedIdentities string `yaml:"unaccepted_identities"`
	// Renew lets an invitee request a new link, with an expired one or by address.
	Renew bool `yaml:"renew"`
	// AllowedInviterNames are shown to invitees even though they look like a
	// link, such as "Node.js Team". Each must match the whole name.
	AllowedInviterNames []string `yaml:"allowed_inviter_names"`
	// TraitsInMessages are dotted paths inside the traits of the invitee, unique,
	// whose values are stored with an invitation and shown in emails and webhooks.
	TraitsInMessages []string `yaml:"traits_in_messages"`
}

// Values of Invitation.AcceptWith.
const (
	AcceptPassword = "password"
	AcceptKratos   = "kratos"
)

// Values of Invitation.UnacceptedIdentities. The deleting ones also delete when
// an invitation is revoked.
const (
	UnacceptedKeep     = "keep"
	UnacceptedAtPurge  = "at_purge"
	UnacceptedAtExpiry = "at_expiry"
)

// Import holds the limits of imports.
type Import struct {
	// MaxSize limits the file of an import, from 1 KiB to 4 GiB.
	MaxSize Size `yaml:"max_size"`
}

// Selfservice mirrors where Kratos' own configuration has the same keys, so that
// they can be copied from there.
type Selfservice struct {
	Flows   Flows   `yaml:"flows"`
	Methods Methods `yaml:"methods"`
}

// Flows holds the pages of Kratos that the bridge refers to.
type Flows struct {
	Settings Flow `yaml:"settings"`
}

// Flow is the page of one flow.
type Flow struct {
	// UIURL is the page's URL; empty if it is not known. See Config.FormOrigins.
	UIURL string `yaml:"ui_url"`
}

// Methods holds the login methods.
type Methods struct {
	Password Password `yaml:"password"`
}

// Password is the login method that the bridge sets up.
type Password struct {
	Config PasswordPolicy `yaml:"config"`
}

// PasswordPolicy decides which passwords are accepted. Every key has the same
// meaning as in Kratos, and should have the same value there.
type PasswordPolicy struct {
	// MinPasswordLength is in bytes, from 6 to 72.
	MinPasswordLength                int  `yaml:"min_password_length"`
	IdentifierSimilarityCheckEnabled bool `yaml:"identifier_similarity_check_enabled"`
	HaveIBeenPwnedEnabled            bool `yaml:"haveibeenpwned_enabled"`
	// HaveIBeenPwnedHost is the host or host:port of the range API.
	HaveIBeenPwnedHost string `yaml:"haveibeenpwned_host"`
	// MaxBreaches is how many times a password may appear in known breaches.
	MaxBreaches int `yaml:"max_breaches"`
	// IgnoreNetworkErrors accepts a password if the lookup failed.
	IgnoreNetworkErrors bool `yaml:"ignore_network_errors"`
}

// Log configures the log on standard error.
type Log struct {
	// Level is trace, debug, info, warning or error.
	Level string `yaml:"level"`
	// Format is json or text.
	Format string `yaml:"format"`
}
