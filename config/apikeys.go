package config

import (
	"crypto/sha256"
	"regexp"
	"strings"
)

// exampleDigest is to be replaced.
var exampleDigest = Secret(strings.Repeat("0", 64))

// minKeyLength keeps out keys that could be guessed at the listener's pace.
const minKeyLength = 16

var (
	keyName   = regexp.MustCompile(`^[a-zA-Z0-9_.-]+$`)
	hexDigest = regexp.MustCompile(`^[0-9a-fA-F]{64}$`)
)

func (k *checks) apiKeys(keys []APIKey, demanded bool) {
	const at = "serve.admin.api_keys"
	k.that(len(keys) > 0 || !demanded, at,
		"must have at least one key, such as {name: backend, key: …}; make one with: openssl rand -hex 32")

	names := map[string]bool{}
	digests := map[[sha256.Size]byte]bool{}
	for i, key := range keys {
		item := index(at, i)
		k.that(keyName.MatchString(key.Name), item+".name", "must be one or more letters, digits, _ . and -")
		k.that(!names[key.Name] || key.Name == "", item+".name", "must differ from the names before it")
		names[key.Name] = true

		if k.apiKey(key, item) {
			k.that(!digests[key.Digest()], item, "must not repeat a key before it; give each caller a key of its own")
			digests[key.Digest()] = true
		}
	}
}

// apiKey tells whether the secret of key is in order.
func (k *checks) apiKey(key APIKey, item string) bool {
	found := len(k.problems)
	switch {
	case (key.Key == "") == (key.KeySHA256 == ""):
		k.that(false, item, "must have either key or key_sha256, and not both")
	case key.Key != "":
		text := key.Key.Reveal()
		k.that(len(text) >= minKeyLength && isPrintable(text), item+".key",
			"must be 16 or more characters of printable ASCII without spaces; make one with: openssl rand -hex 32")
	default:
		k.that(hexDigest.MatchString(key.KeySHA256.Reveal()), item+".key_sha256",
			"must be the 64 hexadecimal digits of the key's SHA-256 digest")
		k.that(key.KeySHA256 != exampleDigest, item+".key_sha256",
			"must be that of a key of yours, not the example's zeros: printf %s \"$KEY\" | sha256sum")
	}
	return len(k.problems) == found
}
