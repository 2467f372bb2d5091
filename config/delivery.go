package config

// Hook is a receiver of events; keys are named as for a web hook of Kratos.
// Every field that can hold a secret is a Secret, the URL included: many
// receivers authenticate their callers by it.
type Hook struct {
	// ID addresses the messages queued for this hook, so renaming a hook orphans
	// them. It is 1 to 64 lower-case letters, digits, _ and -, unique, never
	// "courier", and not secret.
	ID string `yaml:"id"`
	// Events are what the hook is called for: either blocking events only, which
	// begin with pre_, or notifications only. There is at least one, unless Audit is set.
	Events []string `yaml:"events"`
	// Audit makes the hook receive each entry of the history of each invitation. It is
	// not set together with blocking events.
	Audit bool `yaml:"audit"`
	// URL is absolute, http or https, without user and fragment.
	URL Secret `yaml:"url"`
	// Method is POST, PUT or PATCH.
	Method string `yaml:"method"`
	// Headers are sent with each request. No two names differ only in case, and
	// none is set by the bridge, HTTP or Auth.
	Headers map[string]Secret `yaml:"headers"`
	Auth    HookAuth          `yaml:"auth"`
	// Secrets are keys of Standard Webhooks: "whsec_" and the base64 of 24 to 64
	// bytes. Each of them signs every request; without any, requests are
	// unsigned.
	Secrets []Secret `yaml:"secrets"`
	// Body is a Jsonnet function(ctx): file:// and an absolute path, or base64://
	// and the source. Empty sends the payload unchanged. This package does not
	// check that the file exists and is Jsonnet.
	Body Secret `yaml:"body"`
	// Timeout bounds one attempt, from 1 to 30 seconds.
	Timeout Duration `yaml:"timeout"`
	// CanInterrupt is true if and only if Events are blocking ones.
	CanInterrupt bool `yaml:"can_interrupt"`
}

// HookAuth is how the bridge authenticates to a receiver.
type HookAuth struct {
	// Type is api_key or basic_auth; empty means no authentication, and an empty
	// Config.
	Type   string         `yaml:"type"`
	Config HookAuthConfig `yaml:"config"`
}

// HookAuthConfig uses the first three fields for api_key and the last two for
// basic_auth. The others are empty.
type HookAuthConfig struct {
	// Name is the name of the header or cookie.
	Name  string `yaml:"name"`
	Value Secret `yaml:"value"`
	// In is header or cookie.
	In       string `yaml:"in"`
	User     string `yaml:"user"`
	Password Secret `yaml:"password"`
}

// Clients configures outgoing requests.
type Clients struct {
	HTTP ClientsHTTP `yaml:"http"`
}

// ClientsHTTP configures the requests to hooks.
type ClientsHTTP struct {
	// DisallowPrivateIPRanges rejects requests to addresses that are not public.
	DisallowPrivateIPRanges bool `yaml:"disallow_private_ip_ranges"`
	// PrivateIPExceptionURLs are hook URLs exempt from that: complete URLs, not
	// patterns, and as secret as the URLs of hooks.
	PrivateIPExceptionURLs []Secret `yaml:"private_ip_exception_urls"`
}

// Courier configures the emails to invitees.
type Courier struct {
	SMTP SMTP `yaml:"smtp"`
	// TemplateOverridePath is the absolute path of a directory with templates
	// that replace the built-in ones; empty uses the built-in ones.
	TemplateOverridePath string `yaml:"template_override_path"`
}

// SMTP configures the mail server and the sender.
type SMTP struct {
	// ConnectionURI is smtp://user:password@host:port (STARTTLS) or smtps://…
	// (TLS from the first byte). User and password are percent-encoded, or both
	// omitted; the port is optional. It may have the parameters disable_starttls,
	// skip_ssl_verify and server_name. Empty sends no email.
	ConnectionURI Secret `yaml:"connection_uri"`
	// FromAddress is a plain ASCII address; empty only if ConnectionURI is.
	FromAddress string `yaml:"from_address"`
	// FromName is the display name. It has no control characters.
	FromName string `yaml:"from_name"`
	// LocalName is the argument of EHLO; empty lets the bridge choose.
	LocalName string `yaml:"local_name"`
	// ReplyToInviter directs replies to the inviter_email of an invitation.
	ReplyToInviter bool `yaml:"reply_to_inviter"`
}
