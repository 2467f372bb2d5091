package config

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Validate returns an *Error with every problem of c, or nil. Load does the
// same; Validate is for a Config that was built or changed in code. It requires
// an API key and a store, as Load does outside development mode.
func (c Config) Validate() error {
	return asError(c.check(true))
}

// check returns the problems of c. Unless complete, API keys and store may be
// missing.
func (c Config) check(complete bool) []Problem {
	k := checks{reported: map[string]bool{}}
	k.strays(c)
	if complete || c.DSN != "" {
		k.dsn(c.DSN.Reveal())
	}
	k.serve(c.Serve)
	k.public(c.Serve.Public)
	k.apiKeys(c.Serve.Admin.APIKeys, complete)
	k.kratos(c.Kratos)
	k.invitation(c.Invitation)
	k.require(c.Import.MaxSize >= kibibyte && c.Import.MaxSize <= 4*gibibyte, "import.max_size", "must be from 1KiB to 4GiB")
	k.inviters(c.Inviters, c.Hooks)
	k.namedInASCII(c.Selfservice.Flows.Settings.UIURL, "selfservice.flows.settings.ui_url",
		"must be the absolute http or https URL of the settings page, without user, or empty",
		func(text string) bool { return text == "" || isWebURL(text) })
	k.password(c.PasswordPolicy())
	k.hooks(c.Hooks)
	k.clients(c.Clients)
	k.courier(c.Courier)
	k.page(c.Page)
	k.oneOf(c.Log.Level, "log.level", "trace", "debug", "info", "warning", "error")
	k.oneOf(c.Log.Format, "log.format", "json", "text")
	k.tracing(c.Tracing)
	return k.problems
}

// checks collects the problems of a Config. No text may quote a value.
type checks struct {
	problems []Problem
	reported map[string]bool // keys that get no further problem
}

// require reports text for key unless ok.
func (k *checks) require(ok bool, key, text string) {
	if !ok && !k.reported[key] {
		k.problems = append(k.problems, Problem{Key: key, Text: text})
	}
}

func (k *checks) oneOf(value, key string, allowed ...string) {
	k.require(slices.Contains(allowed, value), key, "must be one of "+strings.Join(allowed, ", "))
}

func (k *checks) positive(value Duration, key string) {
	k.require(value > 0, key, "must be more than 0s")
}

func (k *checks) dsn(dsn string) {
	if hasPostgresScheme(dsn) {
		k.require(isPostgresDSN(dsn), "dsn", "must be a URL such as postgres://user:password@host:5432/database, "+
			"with special characters of user and password percent-encoded")
		return
	}
	_, ok := boltPath(dsn)
	k.require(ok, "dsn", "must be bolt:// and the absolute path of a file, such as "+
		"bolt:///var/lib/invitebridge/invites.db, or postgres://user:password@host:5432/database; "+
		"no other store is supported")
}

func (k *checks) serve(s Serve) {
	const at = "serve."
	k.require(isBasePath(s.BasePath), at+"base_path", "must be a path such as /api/v1/invite: "+
		"a slash before each part, none at the end, and only letters, digits, . _ ~ and -")
	for _, taken := range []string{"/health", "/version", "/invite", "/metrics", "/openapi.json"} {
		k.require(!isWithin(s.BasePath, taken), at+"base_path", "must not be "+taken+" or below it: the bridge already serves that path")
	}
	k.listener(s.Public.Host, s.Public.Port, s.Public.Socket, s.Public.TLS, at+"public.")
	k.listener(s.Admin.Host, s.Admin.Port, s.Admin.Socket, s.Admin.TLS, at+"admin.")
	k.checkDistinctAddresses(s.Public, s.Admin)
}

func (k *checks) public(p Public) {
	const at = "serve.public."
	k.baseURL(p.BaseURL, at+"base_url")
	k.require(len(p.CORS.AllowedOrigins) > 0 || !p.CORS.Enabled, at+"cors.allowed_origins",
		"must have at least one origin if serve.public.cors.enabled is true")
	for i, origin := range p.CORS.AllowedOrigins {
		k.namedInASCII(origin, index(at+"cors.allowed_origins", i),
			"must be * or an origin as browsers send it, such as https://app.example.com: "+
				"in lower case, without a path and without the scheme's default port",
			func(text string) bool { return text == "*" || isOrigin(text) })
	}
	for i, text := range p.TrustedProxies {
		_, ok := parseNetwork(text)
		k.require(ok || text == unixMark, index(at+"trusted_proxies", i),
			"must be an IP address, a network such as 10.0.0.0/8, or unix: for every client of the unix socket")
	}
	k.rateLimit(p.RateLimit, at+"rate_limit.")
}

func (k *checks) rateLimit(l RateLimit, at string) {
	k.require(l.Requests >= 0, at+"requests", "must be 1 or more, or 0 for no limit")
	k.positive(l.Window, at+"window")
}

func (k *checks) kratos(o Kratos) {
	const at = "kratos."
	k.baseURL(o.PublicURL, at+"public_url")
	k.baseURL(o.AdminURL, at+"admin_url")
	k.require(isPrintable(o.AdminToken.Reveal()), at+"admin_token", "must be printable ASCII without spaces or line breaks")
	k.require(o.SchemaID != "", at+"schema_id", "must name an identity schema of Kratos, such as default")
	k.emailTrait(o.EmailTrait, at+"email_trait")
	k.require(o.Timeout >= Duration(time.Second) && o.Timeout <= Duration(time.Minute), at+"timeout",
		"must be from 1s to 60s")
	// Clocks may differ by a minute before doctor reports a problem: a shorter
	// wait could end while a code is still valid. The upper bound catches a wrong
	// unit.
	k.require(o.CodeLifespan >= Duration(time.Minute) && o.CodeLifespan <= Duration(720*time.Hour), at+"code_lifespan",
		"must be from 1m to 720h: the longest config.lifespan of the methods code and link in Kratos")
	_, err := time.Parse(time.RFC3339, o.NeverUsedSince)
	k.require(o.NeverUsedSince == "" || err == nil, at+"never_used_since",
		"must be an RFC 3339 time such as 2026-01-31T09:00:00Z, or empty")
}

func (k *checks) invitation(v Invitation) {
	const at = "invitation."
	k.positive(v.Lifespan, at+"lifespan")
	k.positive(v.MaxLifespan, at+"max_lifespan")
	k.require(v.Lifespan <= v.MaxLifespan, at+"lifespan",
		"must not be longer than invitation.max_lifespan; shorten it or lengthen the other")
	k.positive(v.Cooldown, at+"cooldown")
	k.reminders(v, at+"reminders")
	k.require(v.QuietHours == "" || isQuietHours(v.QuietHours), at+"quiet_hours",
		"must be two different times of day and an IANA time zone, such as 22:00-07:00 Europe/Berlin, or empty")
	k.require(v.Retention >= Duration(96*time.Hour), at+"retention",
		"must be at least 96h: messages are attempted for up to 76 hours, and purged with their invitation")
	k.namedInASCII(v.LinkURL, at+"link_url",
		"must be an absolute http or https URL with {token} once, after the host, or empty for the hosted page",
		func(text string) bool { return text == "" || isLinkTemplate(text) })
	k.namedInASCII(v.ReturnTo, at+"return_to",
		"must be an absolute URL such as https://app.example.com/welcome, or empty for Kratos' login",
		func(text string) bool { return text == "" || isReturnURL(text) })
	for i, text := range v.AllowedReturnURLs {
		k.namedInASCII(text, index(at+"allowed_return_urls", i),
			"must be an absolute URL such as https://app.example.com/, myapp://callback or com.example.app:/callback, "+
				"without user, query and fragment",
			func(text string) bool { return isReturnURL(text) && isBare(text) })
	}
	k.require(len(v.AcceptWith) > 0, at+"accept_with", "must have at least one of password and kratos")
	for i, method := range v.AcceptWith {
		key := index(at+"accept_with", i)
		k.oneOf(method, key, AcceptPassword, AcceptKratos)
		k.require(!slices.Contains(v.AcceptWith[:i], method), key, "must not be listed twice")
	}
	k.require(!v.Session || slices.Contains(v.AcceptWith, AcceptPassword), at+"session",
		"needs password in invitation.accept_with; with kratos, the invitee is signed in anyway")
	k.oneOf(v.UnacceptedIdentities, at+"unaccepted_identities", UnacceptedKeep, UnacceptedAtPurge, UnacceptedAtExpiry)
	for i, name := range v.AllowedInviterNames {
		k.require(isLabel(name), index(at+"allowed_inviter_names", i), "must be a name of at most 256 bytes, "+
			"without line breaks or other control characters")
	}
	for i, path := range v.TraitsInMessages {
		key := index(at+"traits_in_messages", i)
		k.require(traitPath.MatchString(path), key, "must be a dotted path inside the traits, such as name.first")
		k.require(!slices.Contains(v.TraitsInMessages[:i], path), key, "must not be listed twice")
	}
}

func (k *checks) reminders(v Invitation, at string) {
	k.require(len(v.Reminders) <= 5, at, "must have at most 5 entries")
	for i, before := range v.Reminders {
		key := index(at, i)
		k.require(before >= Duration(time.Second), key, "must be at least 1s")
		k.require(before < v.MaxLifespan, key,
			"must be shorter than invitation.max_lifespan: it is the time before the expiry, so it would never come")
		k.require(!slices.Contains(v.Reminders[:i], before), key, "must not be listed twice")
	}
}

func (k *checks) password(p PasswordPolicy) {
	const at = "selfservice.methods.password.config."
	k.require(p.MinPasswordLength >= 6 && p.MinPasswordLength <= 72, at+"min_password_length",
		"must be from 6 to 72, as in Kratos")
	k.namedInASCII(p.HaveIBeenPwnedHost, at+"haveibeenpwned_host",
		"must be a host such as api.pwnedpasswords.com, with :port if needed, without scheme and path", isHostPort)
	k.require(p.MaxBreaches >= 0, at+"max_breaches", "must be 0 or more")
}

func (k *checks) baseURL(value, key string) {
	k.namedInASCII(value, key, "must be an absolute http or https URL without user, query and fragment",
		func(text string) bool { return isWebURL(text) && isBare(text) })
}

func index(key string, i int) string {
	return fmt.Sprintf("%s[%d]", key, i)
}
