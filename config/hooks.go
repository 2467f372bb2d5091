package config

import (
	"encoding/base64"
	"regexp"
	"slices"
	"strings"
	"time"
)

// courierID is the endpoint that messages sent by email have.
const courierID = "courier"

var hookID = regexp.MustCompile(`^[a-z0-9_-]{1,64}$`)

// hookEvents are all events that can be subscribed to one by one: that of the history
// is for audit.
var hookEvents = []string{
	"pre_invitation_creation", "pre_inviter_request", "invitation_token_created", "invitation_reminder", "pre_password_creation", "post_password_creation",
	"invitation_revoked", "invitation_expired", "delivery_failed", "import_finished",
}

func (k *checks) hooks(hooks []Hook) {
	ids := map[string]bool{}
	for i, hook := range hooks {
		item := index("hooks", i)
		k.require(hookID.MatchString(hook.ID), item+".id", "must be 1 to 64 lower-case letters, digits, _ and -")
		k.require(hook.ID != courierID, item+".id", "must not be "+courierID+", which is reserved for email; choose another")
		k.require(!ids[hook.ID] || hook.ID == "", item+".id", "must differ from the ids above it")
		ids[hook.ID] = true

		k.events(hook, item)
		k.namedInASCII(hook.URL.Reveal(), item+".url",
			"must be an absolute http or https URL without user and fragment; credentials belong in auth", isHookURL)
		k.oneOf(hook.Method, item+".method", "POST", "PUT", "PATCH")
		k.headers(hook, item+".headers")
		k.auth(hook.Auth, item+".auth")
		k.signing(hook.Secrets, item+".secrets")
		k.require(hook.Body == "" || isTemplate(hook.Body.Reveal()), item+".body",
			"must be file:// and the absolute path of a Jsonnet file, or base64:// and Jsonnet in base64")
		k.require(hook.Timeout >= Duration(time.Second) && hook.Timeout <= Duration(30*time.Second), item+".timeout",
			"must be from 1s to 30s")
	}
}

// events checks the events and can_interrupt, which follows from them. Unknown
// events are not considered for can_interrupt.
func (k *checks) events(hook Hook, item string) {
	at := item + ".events"
	k.require(len(hook.Events) > 0 || hook.Audit, at, "must have at least one of "+strings.Join(hookEvents, ", "))
	blocking, notified := false, hook.Audit
	for i, event := range hook.Events {
		k.require(!slices.Contains(hook.Events[:i], event), index(at, i), "must differ from the events above it")
		switch {
		case !slices.Contains(hookEvents, event):
			k.oneOf(event, index(at, i), hookEvents...)
		case strings.HasPrefix(event, "pre_"):
			blocking = true
		default:
			notified = true
		}
	}
	switch {
	case blocking && hook.Audit:
		k.require(false, item+".audit", "must not be true with pre_ events; configure a hook of its own for the history")
	case blocking && notified:
		k.require(false, at, "must not mix pre_ events, which a hook can refuse, with others; configure a hook for each kind")
	case blocking:
		k.require(hook.CanInterrupt, item+".can_interrupt", "must be true for pre_ events: the hook can refuse them")
	case notified:
		k.require(!hook.CanInterrupt, item+".can_interrupt", "must not be true: only pre_ events can be refused")
	}
}

func (k *checks) signing(secrets []Secret, at string) {
	for i, secret := range secrets {
		k.require(isSigningSecret(secret.Reveal()), index(at, i),
			"must be whsec_ and the standard base64 of 24 to 64 bytes; generate one with: echo whsec_$(openssl rand -base64 32)")
		k.require(!slices.Contains(secrets[:i], secret), index(at, i), "must differ from the secrets above it")
	}
}

// isHookURL reports whether requests can be made to text. Unlike a base URL it
// may have a query.
func isHookURL(text string) bool { return isWebURL(text) && !strings.Contains(text, "#") }

func isSigningSecret(text string) bool {
	encoded, ok := strings.CutPrefix(text, "whsec_")
	key, valid := decodeBase64(encoded)
	return ok && valid && len(key) >= 24 && len(key) <= 64
}

// isTemplate reports whether text is a file or base64 URL of a Jsonnet source.
func isTemplate(text string) bool {
	if encoded, ok := strings.CutPrefix(text, "base64://"); ok {
		source, valid := decodeBase64(encoded)
		return valid && len(source) > 0
	}
	_, ok := filePath(text, "file://")
	return ok
}

// decodeBase64 accepts only the canonical standard encoding. The decoder alone
// would skip line breaks.
func decodeBase64(text string) ([]byte, bool) {
	decoded, err := base64.StdEncoding.Strict().DecodeString(text)
	return decoded, err == nil && isPrintable(text)
}
