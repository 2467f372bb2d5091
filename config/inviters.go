package config

import (
	"regexp"
	"slices"
	"strings"
)

// Inviters lets identities with a session in Kratos invite, at the public listener.
type Inviters struct {
	Enabled bool `yaml:"enabled"`
	// SessionCookie is the name of Kratos' cookie. No other is passed on.
	SessionCookie string `yaml:"session_cookie"`
	// Allow lists who may invite: all lines of one entry must hold. A line is a path of
	// the identity and the value there, aal and the least assurance level, or hook and
	// the id of a hook for pre_inviter_request.
	Allow []map[string]string `yaml:"allow"`
	// May lists the paths of an invite that inviters may set.
	May []string `yaml:"may"`
	// Copy maps paths of the new identity's metadata to paths of the inviter.
	Copy map[string]string `yaml:"copy"`
	// NameTrait is the path of the inviter's name in the traits, or empty.
	NameTrait string `yaml:"name_trait"`
	// AllowedOrigins are the origins of pages that may use the cookie.
	AllowedOrigins []string `yaml:"allowed_origins"`
	// MaxPending is how many pending invitations one inviter may have; 0 means no limit.
	MaxPending int `yaml:"max_pending"`
	// RateLimit limits the POST requests of one inviter.
	RateLimit RateLimit `yaml:"rate_limit"`
	// RevokeOnDeactivation revokes the pending invitations of inviters who are no longer
	// active.
	RevokeOnDeactivation bool `yaml:"revoke_on_deactivation"`
}

// Lines of Inviters.Allow that are no paths.
const (
	LineAAL  = "aal"
	LineHook = "hook"
)

const eventPreInviter = "pre_inviter_request"

var (
	cookieName = regexp.MustCompile("^[!#$%&'*+.^_`|~0-9A-Za-z-]+$")
	// settable are the fields of an invite that inviters may be allowed to set.
	settable = []string{"email", "locale", "timezone", "return_to", "expires_in", "reminders", "schema_id", "organization_id", "external_id"}
)

func (k *checks) inviters(v Inviters, hooks []Hook) {
	const at = "inviters."
	k.require(cookieName.MatchString(v.SessionCookie), at+"session_cookie", "must be the name of Kratos' session cookie, such as ory_kratos_session")
	k.require(len(v.Allow) > 0 || !v.Enabled, at+"allow", "must have at least one entry if inviters.enabled is true: without one, nobody may invite")
	var rules []string
	for i, entry := range v.Allow {
		rules = append(rules, k.allow(entry, index(at+"allow", i), hooks)...)
	}
	k.may(v.May, rules, at+"may")
	k.copies(v, rules, at+"copy")
	k.require(v.NameTrait == "" || traitPath.MatchString(v.NameTrait) && !isWithinPath(v.NameTrait, "traits"), at+"name_trait",
		"must be a dotted path inside the traits, such as name.first without traits. before it, or empty")
	for i, origin := range v.AllowedOrigins {
		k.namedInASCII(origin, index(at+"allowed_origins", i),
			"must be an origin as browsers send it, such as https://app.example.com: in lower case, without a path and without the scheme's default port",
			isOrigin)
	}
	k.require(v.MaxPending >= 0, at+"max_pending", "must be 1 or more, or 0 for no limit")
	k.require(v.RateLimit.Requests >= 0, at+"rate_limit.requests", "must be 1 or more, or 0 for no limit")
	k.positive(v.RateLimit.Window, at+"rate_limit.window")
}

// allow checks an entry of inviters.allow and returns its paths.
func (k *checks) allow(entry map[string]string, at string, hooks []Hook) (paths []string) {
	k.require(len(entry) > 0, at, "must have at least one line, such as metadata_public.role: admin")
	for line, value := range entry {
		switch {
		case line == LineAAL:
			k.oneOf(value, at, "aal1", "aal2")
		case line == LineHook:
			k.require(slices.ContainsFunc(hooks, func(h Hook) bool { return h.ID == value && slices.Contains(h.Events, eventPreInviter) }),
				at, "must have as hook the id of an entry of hooks whose events have "+eventPreInviter)
		case isWithinPath(line, "traits"):
			k.require(false, at, "must not have traits: their holder can change them in Kratos' settings; use metadata_public, which only administrators can change")
		case line == "schema_id", line == "organization_id", isPathBelow(line, "metadata_public"):
			k.require(value != "", at, "must have a value for each path")
			paths = append(paths, line)
		case isWithinPath(line, "metadata_admin"):
			k.require(false, at, "must not have metadata_admin: Kratos does not show it with a session; use metadata_public")
		default:
			k.require(false, at, "must have only lines such as metadata_public.roles: admin, schema_id, organization_id, aal and hook")
		}
	}
	return paths
}

func (k *checks) may(may, rules []string, at string) {
	k.require(slices.Contains(may, "email"), at, "must have email: without it, nobody can be invited")
	for i, path := range may {
		key := index(at, i)
		k.require(slices.Contains(settable, path) || isWithinPath(path, "traits") || isWithinPath(path, "metadata_public"), key,
			"must be one of "+strings.Join(settable, ", ")+", traits, metadata_public, or a dotted path inside the last two")
		k.require(!overlapsAny(path, may[:i]), key, "must not repeat an entry above it, or what is inside it")
		k.require(!overlapsAny(path, rules), key, "must not be a path that inviters.allow uses: inviters could make others inviters")
	}
}

func (k *checks) copies(v Inviters, rules []string, at string) {
	var targets []string
	for to, from := range v.Copy {
		k.require(isPathBelow(to, "metadata_public") || isPathBelow(to, "metadata_admin"), at, "must copy into metadata_public.PATH or metadata_admin.PATH")
		k.require(!isWithinPath(to, "metadata_admin.invitation"), at, "must not copy into metadata_admin.invitation, which is the bridge's")
		k.require(isPathBelow(from, "metadata_public") || isPathBelow(from, "traits") || slices.Contains([]string{"id", "schema_id", "organization_id"}, from),
			at, "must copy from metadata_public.PATH, traits.PATH, id, schema_id or organization_id of the inviter")
		k.require(!overlapsAny(to, rules), at, "must not copy into a path that inviters.allow uses: inviters would make others inviters")
		k.require(!overlapsAny(to, v.May), at, "must not copy into a path that inviters.may lists")
		k.require(!overlapsAny(to, targets), at, "must not copy into a path and into one inside it")
		targets = append(targets, to)
	}
}

// overlapsAny reports whether a path is one of the others, or is inside one, or has one
// inside.
func overlapsAny(path string, others []string) bool {
	return slices.ContainsFunc(others, func(o string) bool { return isWithinPath(path, o) || isWithinPath(o, path) })
}

// isWithinPath reports whether a path is top, or a path below it.
func isWithinPath(path, top string) bool { return path == top || isPathBelow(path, top) }

// isPathBelow reports whether a path is below top, with a name in each part.
func isPathBelow(path, top string) bool {
	below, ok := strings.CutPrefix(path, top+".")
	return ok && !slices.Contains(strings.Split(below, "."), "")
}
