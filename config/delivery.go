package config

// Hook is a receiver of events, in Kratos' words for a web hook. Whatever of it
// can hold a secret is one: many receivers know their callers by the URL.
type Hook struct {
	// ID addresses the messages that wait for this hook, so that renaming a
	// hook cuts them off. It is 1 to 64 lower-case letters, digits, _ and -,
	// unique, never "courier", and no secret.
	ID string `yaml:"id"`
	// Events are what the hook is asked about, all of them beginning with pre_,
	// or what it is told, none of them doing so. There is at least one.
	Events []string `yaml:"events"`
	// URL is absolute, http or https, without user and fragment.
	URL Secret `yaml:"url"`
	// Method is POST, PUT or PATCH.
	Method string `yaml:"method"`
	// Headers are sent along. No two names differ only in case, and none is one
	// that the bridge, HTTP or Auth sets.
	Headers map[string]Secret `yaml:"headers"`
	Auth    HookAuth          `yaml:"auth"`
	// Secrets are keys of Standard Webhooks, "whsec_" and the base64 of 24 to
	// 64 bytes, each of which signs. Without any, nothing is signed.
	Secrets []Secret `yaml:"secrets"`
	// Body is a Jsonnet function(ctx), as file:// and an absolute path or as
	// base64:// and the text itself; empty sends the payload as it is. Whether
	// the file is there, and is Jsonnet, is not known here.
	Body Secret `yaml:"body"`
	// Timeout bounds one attempt, from 1 to 30 seconds.
	Timeout Duration `yaml:"timeout"`
	// CanInterrupt is true if Events begin with pre_, and only then.
	CanInterrupt bool `yaml:"can_interrupt"`
}

// HookAuth is how the bridge makes itself known to a receiver.
type HookAuth struct {
	// Type is api_key or basic_auth; empty, with an empty Config, is neither.
	Type   string         `yaml:"type"`
	Config HookAuthConfig `yaml:"config"`
}

// HookAuthConfig has the first three fields for api_key and the last two for
// basic_auth. The others are empty.
type HookAuthConfig struct {
	// Name is that of a header or of a cookie.
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
	// DisallowPrivateIPRanges refuses hooks whose address is not public.
	DisallowPrivateIPRanges bool `yaml:"disallow_private_ip_ranges"`
	// PrivateIPExceptionURLs are hook URLs that may lead there all the same:
	// whole ones and not patterns, and as secret as those.
	PrivateIPExceptionURLs []Secret `yaml:"private_ip_exception_urls"`
}

// Courier configures the e-mail to invitees.
type Courier struct {
	SMTP SMTP `yaml:"smtp"`
	// TemplateOverridePath is the absolute path of a directory with templates
	// in place of the built-in ones; empty is those.
	TemplateOverridePath string `yaml:"template_override_path"`
}

// SMTP says where e-mail goes out, and from whom.
type SMTP struct {
	// ConnectionURI is smtp://user:password@host:port (STARTTLS) or smtps://…
	// (TLS from the first byte), user and password percent-encoded or left out
	// together, the port optional. It may have the parameters disable_starttls,
	// skip_ssl_verify and server_name. Empty sends no e-mail.
	ConnectionURI Secret `yaml:"connection_uri"`
	// FromAddress is a plain ASCII address; empty only if ConnectionURI is.
	FromAddress string `yaml:"from_address"`
	// FromName is shown beside it. It has no control characters.
	FromName string `yaml:"from_name"`
	// LocalName is the argument of EHLO; empty lets the bridge choose.
	LocalName string `yaml:"local_name"`
	// ReplyToInviter sends replies to the inviter_email of an invitation.
	ReplyToInviter bool `yaml:"reply_to_inviter"`
}
