package config

import (
	"encoding/base64"
	"regexp"
	"slices"
	"strings"
	"time"
)

// courierID is the name of e-mail among the receivers of messages.
const courierID = "courier"

var hookID = regexp.MustCompile(`^[a-z0-9_-]{1,64}$`)

// hookEvents are all events there are.
var hookEvents = []string{
	"pre_invitation_creation", "invitation_token_created", "pre_password_creation", "post_password_creation",
	"invitation_revoked", "invitation_expired", "delivery_failed",
}

func (k *checks) hooks(hooks []Hook) {
	ids := map[string]bool{}
	for i, hook := range hooks {
		item := index("hooks", i)
		k.that(hookID.MatchString(hook.ID), item+".id", "must be 1 to 64 lower-case letters, digits, _ and -")
		k.that(hook.ID != courierID, item+".id", "must not be "+courierID+", which is the name of e-mail; choose another")
		k.that(!ids[hook.ID] || hook.ID == "", item+".id", "must differ from the ids before it")
		ids[hook.ID] = true

		k.events(hook, item)
		k.named(hook.URL.Reveal(), item+".url",
			"must be an absolute http or https URL without user and fragment; credentials belong in auth", isHookURL)
		k.oneOf(hook.Method, item+".method", "POST", "PUT", "PATCH")
		k.headers(hook, item+".headers")
		k.auth(hook.Auth, item+".auth")
		k.signing(hook.Secrets, item+".secrets")
		k.that(hook.Body == "" || isTemplate(hook.Body.Reveal()), item+".body",
			"must be file:// and the absolute path of a Jsonnet file, or base64:// and Jsonnet in base64")
		k.that(hook.Timeout >= Duration(time.Second) && hook.Timeout <= Duration(30*time.Second), item+".timeout",
			"must be from 1s to 30s")
	}
}

// events checks the events and what follows from them. An unknown event says
// nothing about whether the hook can interrupt.
func (k *checks) events(hook Hook, item string) {
	at := item + ".events"
	k.that(len(hook.Events) > 0, at, "must have at least one of "+strings.Join(hookEvents, ", "))
	asked, told := false, false
	for i, event := range hook.Events {
		k.that(!slices.Contains(hook.Events[:i], event), index(at, i), "must differ from the events before it")
		switch {
		case !slices.Contains(hookEvents, event):
			k.oneOf(event, index(at, i), hookEvents...)
		case strings.HasPrefix(event, "pre_"):
			asked = true
		default:
			told = true
		}
	}
	switch {
	case asked && told:
		k.that(false, at, "must not mix pre_ events, which a hook can refuse, with others; make a hook for each kind")
	case asked:
		k.that(hook.CanInterrupt, item+".can_interrupt", "must be true for pre_ events: the hook can refuse them")
	case told:
		k.that(!hook.CanInterrupt, item+".can_interrupt", "must not be true: only pre_ events can be refused")
	}
}

func (k *checks) signing(secrets []Secret, at string) {
	for i, secret := range secrets {
		k.that(isSigningSecret(secret.Reveal()), index(at, i),
			"must be whsec_ and the standard base64 of 24 to 64 bytes; make one with: echo whsec_$(openssl rand -base64 32)")
		k.that(!slices.Contains(secrets[:i], secret), index(at, i), "must differ from the secrets before it")
	}
}

// isHookURL tells whether requests can be made to text. Unlike a base URL it
// may have a query.
func isHookURL(text string) bool { return isWebURL(text) && !strings.Contains(text, "#") }

func isSigningSecret(text string) bool {
	encoded, ok := strings.CutPrefix(text, "whsec_")
	key, valid := decodeBase64(encoded)
	return ok && valid && len(key) >= 24 && len(key) <= 64
}

// isTemplate tells whether text is a place that Jsonnet can be read from.
func isTemplate(text string) bool {
	if encoded, ok := strings.CutPrefix(text, "base64://"); ok {
		source, valid := decodeBase64(encoded)
		return valid && len(source) > 0
	}
	_, ok := filePath(text, "file://")
	return ok
}

// decodeBase64 takes the one standard spelling of what is encoded. The decoder
// alone would skip line breaks.
func decodeBase64(text string) ([]byte, bool) {
	decoded, err := base64.StdEncoding.Strict().DecodeString(text)
	return decoded, err == nil && isPrintable(text)
}
