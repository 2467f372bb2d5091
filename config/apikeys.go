package config

import (
	"crypto/sha256"
	"regexp"
	"slices"
	"strings"
	"time"
)

// Scopes returns what serve.admin.api_keys[].scopes can name.
func Scopes() []string {
	return []string{"invite", "read", "manage", "link", "reactivate", "import", "metrics", "backup"}
}

// maxSameName is how many keys can have one name: that of a caller which changes from
// the old one to the new one.
const maxSameName = 2

// exampleDigest is the placeholder in the example; operators must replace it.
var exampleDigest = Secret(strings.Repeat("0", 64))

// minKeyLength rejects keys short enough to be guessed by requests to the
// listener.
const minKeyLength = 16

var (
	keyName   = regexp.MustCompile(`^[a-zA-Z0-9_.-]+$`)
	hexDigest = regexp.MustCompile(`^[0-9a-fA-F]{64}$`)
)

func (k *checks) apiKeys(keys []APIKey, required bool) {
	const at = "serve.admin.api_keys"
	k.require(len(keys) > 0 || !required, at,
		"must have at least one key, such as {name: backend, key: …}; generate one with: openssl rand -hex 32")

	names := map[string]int{}
	first := map[string]APIKey{}
	digests := map[[sha256.Size]byte]bool{}
	for i, key := range keys {
		item := index(at, i)
		k.require(keyName.MatchString(key.Name), item+".name", "must be one or more letters, digits, _ . and -")
		names[key.Name]++
		k.require(names[key.Name] <= maxSameName || key.Name == "", item+".name",
			"must differ from the names above it: only two keys can have one name, the old one and the new one of a caller")
		k.scopes(key.Scopes, item+".scopes")
		k.limits(key, item)
		if other, same := first[key.Name]; same {
			const text = "must be that of the other key with this name: it holds for both together"
			k.require(key.RateLimit == other.RateLimit || key.RateLimit.Requests == 0 && other.RateLimit.Requests == 0, item+".rate_limit", text)
			k.require(key.MaxPending == other.MaxPending, item+".max_pending", text)
		} else {
			first[key.Name] = key
		}
		at, err := time.Parse(time.RFC3339, key.ExpiresAt)
		k.require(key.ExpiresAt == "" || err == nil && at.UTC().Year() >= 2000, item+".expires_at",
			"must be an RFC 3339 time such as 2026-01-31T09:00:00Z, from the year 2000 on, or empty")

		if k.apiKey(key, item) {
			k.require(!digests[key.Digest()], item, "must not repeat a key above it; give each caller a key of its own")
			digests[key.Digest()] = true
		}
	}
}

func (k *checks) limits(key APIKey, item string) {
	if key.RateLimit != (RateLimit{}) {
		k.rateLimit(key.RateLimit, item+".rate_limit.")
	}
	k.require(key.MaxPending >= 0, item+".max_pending", "must be 1 or more, or 0 for no limit")
	k.require(key.MaxPending <= 0 || key.Scopes != nil && !slices.Contains(key.Scopes, "import"), item+".max_pending",
		"must not be set for a key that may import, as it does not limit imports: name the scopes of the key, without import")
}

func (k *checks) scopes(scopes []string, at string) {
	k.require(scopes == nil || len(scopes) > 0, at, "must name at least one scope; a key without scopes may do everything, so leave it out only for that")
	for i, scope := range scopes {
		k.oneOf(scope, index(at, i), Scopes()...)
		k.require(!slices.Contains(scopes[:i], scope), index(at, i), "must not repeat a scope above it")
	}
}

// apiKey reports whether the secret of key is valid.
func (k *checks) apiKey(key APIKey, item string) bool {
	found := len(k.problems)
	switch {
	case (key.Key == "") == (key.KeySHA256 == ""):
		k.require(false, item, "must have either key or key_sha256, but not both")
	case key.Key != "":
		text := key.Key.Reveal()
		k.require(len(text) >= minKeyLength && isPrintable(text), item+".key",
			"must be 16 or more characters of printable ASCII without spaces; generate one with: openssl rand -hex 32")
	default:
		k.require(hexDigest.MatchString(key.KeySHA256.Reveal()), item+".key_sha256",
			"must be the 64 hexadecimal digits of the key's SHA-256 digest")
		k.require(key.KeySHA256 != exampleDigest, item+".key_sha256",
			"must be the digest of a key of yours, not the example's zeros: printf %s \"$KEY\" | sha256sum")
	}
	return len(k.problems) == found
}
