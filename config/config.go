// Package config says what an operator can set, and reads it.
//
// Load starts from the defaults and lays files and environment variables over
// them. It is strict: what it does not understand is a problem, never ignored.
// It tells all problems at once, each with its place, and no problem quotes a
// value, so that a mistyped secret stays out of logs and terminals. Of a host
// with letters beyond ASCII alone it shows how to write it.
//
// The same shape is published twice for people and editors, as a commented
// example and as a JSON schema; tests hold both to the structs below.
//
// The package imports nothing else of this module.
package config

// Config is the whole configuration. Its keys are Kratos' words wherever
// Kratos has the thing. Only a Config that Load or Validate accepted is fit for
// use; the comments of the fields assume that.
type Config struct {
	// DSN names the store: bolt:// and the absolute path of a file. It is
	// empty only in development.
	DSN         string      `yaml:"dsn"`
	Serve       Serve       `yaml:"serve"`
	Kratos      Kratos      `yaml:"kratos"`
	Invitation  Invitation  `yaml:"invitation"`
	Selfservice Selfservice `yaml:"selfservice"`
	// Hooks are asked and told in this order.
	Hooks   []Hook  `yaml:"hooks"`
	Clients Clients `yaml:"clients"`
	Courier Courier `yaml:"courier"`
	Page    Page    `yaml:"page"`
	Log     Log     `yaml:"log"`
	Tracing Tracing `yaml:"tracing"`
}

// Serve configures the two listeners.
type Serve struct {
	// BasePath is the path of the API on both listeners. It begins with a slash
	// and does not end in one.
	BasePath string `yaml:"base_path"`
	Public   Public `yaml:"public"`
	Admin    Admin  `yaml:"admin"`
}

// Public configures the listener for invitees and their browsers.
type Public struct {
	// Host is an IP address or a host name; empty means every interface. With
	// "unix:" before an absolute path it is a unix socket, and Port has no
	// meaning.
	Host string `yaml:"host"`
	// Port 0 lets the system choose a free one.
	Port   int    `yaml:"port"`
	Socket Socket `yaml:"socket"`
	TLS    TLS    `yaml:"tls"`
	// BaseURL is where invitees reach this listener, perhaps through a proxy.
	BaseURL string `yaml:"base_url"`
	CORS    CORS   `yaml:"cors"`
	// TrustedProxies are the IP addresses and CIDR networks whose word about
	// the client's address is believed; "unix:" is whoever may connect to the
	// unix socket. See Config.TrustedProxies and Config.TrustsUnixPeers.
	TrustedProxies []string  `yaml:"trusted_proxies"`
	RateLimit      RateLimit `yaml:"rate_limit"`
}

// CORS lets pages of other origins call the public listener. Credentials are
// never part of it: the listener knows no cookies.
type CORS struct {
	Enabled bool `yaml:"enabled"`
	// AllowedOrigins are origins as browsers send them, or "*" for any.
	AllowedOrigins []string `yaml:"allowed_origins"`
}

// RateLimit bounds the POST requests of one client address.
type RateLimit struct {
	// Requests is how many are let through in each Window; 0 is no limit.
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
	// APIKeys are the keys that open this listener. There is at least one,
	// except in development.
	APIKeys []APIKey `yaml:"api_keys"`
}

// APIKey is one caller's key, given either as it is or as its digest.
type APIKey struct {
	// Name tells callers apart in logs. It is unique and no secret.
	Name string `yaml:"name"`
	// Key is the key itself; empty if KeySHA256 is set.
	Key Secret `yaml:"key"`
	// KeySHA256 is the SHA-256 digest of the key in hexadecimal; empty if Key
	// is set. See APIKey.Digest.
	KeySHA256 Secret `yaml:"key_sha256"`
}

// Kratos says where Ory Kratos is and how identities look there.
type Kratos struct {
	PublicURL string `yaml:"public_url"`
	AdminURL  string `yaml:"admin_url"`
	// AdminToken is sent as a bearer token to the admin API; empty sends none.
	AdminToken Secret `yaml:"admin_token"`
	// SchemaID is the identity schema of an invitation that names none.
	SchemaID string `yaml:"schema_id"`
	// EmailTrait says where the e-mail address is inside the traits.
	EmailTrait EmailTraits `yaml:"email_trait"`
	// Timeout bounds one call, from 1 to 60 seconds.
	Timeout Duration `yaml:"timeout"`
	// CodeLifespan is how long Kratos' codes and links are valid: the longest
	// config.lifespan of its methods code and link, or the longest expires_in
	// that a team's own tools give them by the admin API. An identity that was
	// deactivated is accepted again no earlier than this after it was invited. It
	// is from 1 minute to 720 hours.
	CodeLifespan Duration `yaml:"code_lifespan"`
	// NeverUsedSince is an RFC 3339 time, or empty. See Config.NeverUsedSince.
	NeverUsedSince string `yaml:"never_used_since"`
}

// Invitation holds the rules of invitations.
type Invitation struct {
	// Lifespan is how long an invitation can be accepted unless the inviter
	// asks for another time, which may be up to MaxLifespan.
	Lifespan    Duration `yaml:"lifespan"`
	MaxLifespan Duration `yaml:"max_lifespan"`
	// Cooldown is the least time between two emails to one invitee that no
	// resend asked for.
	Cooldown Duration `yaml:"cooldown"`
	// Retention is how long an invitation that is over is kept, with its
	// messages. It is at least 96 hours, longer than messages are attempted.
	Retention Duration `yaml:"retention"`
	// LinkURL has {token} where the token goes; empty means the hosted page.
	// See Config.LinkTemplate.
	LinkURL string `yaml:"link_url"`
	// ReturnTo is where an invitee goes after accepting; empty means Kratos'
	// login. See Config.ReturnTo.
	ReturnTo string `yaml:"return_to"`
	// AllowedReturnURLs are the addresses an inviter may ask for instead.
	AllowedReturnURLs []string `yaml:"allowed_return_urls"`
	// UnacceptedIdentities is what happens in Kratos to an identity that was
	// created for an invitation that nobody accepted: UnacceptedKeep,
	// UnacceptedAtPurge or UnacceptedAtExpiry.
	UnacceptedIdentities string `yaml:"unaccepted_identities"`
	// Renew lets an invitee whose link has expired ask for a new one.
	Renew bool `yaml:"renew"`
	// AllowedInviterNames are shown to invitees although they look like a link,
	// such as "Node.js Team". Each is compared with the whole name.
	AllowedInviterNames []string `yaml:"allowed_inviter_names"`
	// TraitsInMessages are dotted paths inside the traits of the invitee, unique,
	// whose values are stored with an invitation and shown in emails and webhooks.
	TraitsInMessages []string `yaml:"traits_in_messages"`
}

// Values of Invitation.UnacceptedIdentities. The deleting ones also delete when
// an invitation is revoked.
const (
	UnacceptedKeep     = "keep"
	UnacceptedAtPurge  = "at_purge"
	UnacceptedAtExpiry = "at_expiry"
)

// Selfservice mirrors the place of the password policy in Kratos' own
// configuration, so that the section can be copied from there.
type Selfservice struct {
	Methods Methods `yaml:"methods"`
}

// Methods holds the ways to log in.
type Methods struct {
	Password Password `yaml:"password"`
}

// Password is the way to log in that the bridge sets up.
type Password struct {
	Config PasswordPolicy `yaml:"config"`
}

// PasswordPolicy decides which passwords are good enough. It means exactly what
// it means in Kratos and should be the same there.
type PasswordPolicy struct {
	// MinPasswordLength is in bytes, from 6 to 72.
	MinPasswordLength                int  `yaml:"min_password_length"`
	IdentifierSimilarityCheckEnabled bool `yaml:"identifier_similarity_check_enabled"`
	HaveIBeenPwnedEnabled            bool `yaml:"haveibeenpwned_enabled"`
	// HaveIBeenPwnedHost is host or host:port of the range API.
	HaveIBeenPwnedHost string `yaml:"haveibeenpwned_host"`
	// MaxBreaches is how often a password may have been seen in breaches.
	MaxBreaches int `yaml:"max_breaches"`
	// IgnoreNetworkErrors accepts a password that could not be looked up.
	IgnoreNetworkErrors bool `yaml:"ignore_network_errors"`
}

// Log says how much is logged, and how.
type Log struct {
	// Level is trace, debug, info, warning or error.
	Level string `yaml:"level"`
	// Format is json or text.
	Format string `yaml:"format"`
}
