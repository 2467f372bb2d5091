package webhook

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"hash"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

const (
	secretPrefix   = "whsec_"
	minSecretBytes = 24
	maxSecretBytes = 64
)

// The headers of Standard Webhooks, as net/http spells them.
const (
	headerID        = "Webhook-Id"
	headerTimestamp = "Webhook-Timestamp"
	headerSignature = "Webhook-Signature"
)

// signer adds one signature per key; without keys it signs nothing.
type signer []*signingKey

// signingKey keeps the states of HMAC-SHA256 with one key, because computing
// one costs as much as signing a short body.
type signingKey struct{ states sync.Pool }

func newSigningKey(key []byte) *signingKey {
	return &signingKey{sync.Pool{New: func() any { return hmac.New(sha256.New, key) }}}
}

// appendSignature appends the base64 of the signature of both texts together.
func (k *signingKey) appendSignature(out, head, body []byte) []byte {
	state := k.states.Get().(hash.Hash)
	defer k.states.Put(state)
	state.Reset()
	_, _ = state.Write(head) // a hash returns no errors
	_, _ = state.Write(body)
	return base64.StdEncoding.AppendEncode(out, state.Sum(nil))
}

// signer decodes the secrets.
func (c *validator) signer(key string, secrets []string) signer {
	var s signer
	for i, secret := range secrets {
		at := fmt.Sprintf("%s.secrets[%d]", key, i)
		raw, ok := decodeSecret(secret)
		if !ok {
			c.problem(at, "must be %q and the base64 of %d to %d random bytes", secretPrefix, minSecretBytes, maxSecretBytes)
			continue
		}
		if slices.Contains(secrets[:i], secret) {
			c.problem(at, "is listed twice")
		}
		s = append(s, newSigningKey(raw))
	}
	return s
}

func decodeSecret(secret string) ([]byte, bool) {
	text, ok := strings.CutPrefix(secret, secretPrefix)
	if !ok {
		return nil, false
	}
	raw, err := base64.StdEncoding.DecodeString(text)
	// The decoder ignores line breaks and trailing bits; each secret must have
	// only one spelling.
	if err != nil || base64.StdEncoding.EncodeToString(raw) != text {
		return nil, false
	}
	return raw, len(raw) >= minSecretBytes && len(raw) <= maxSecretBytes
}

// sign adds the headers of Standard Webhooks.
//
// https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
func (s signer) sign(header http.Header, id string, at time.Time, body []byte) {
	timestamp := strconv.FormatInt(at.Unix(), 10)
	header[headerID], header[headerTimestamp] = []string{id}, []string{timestamp}
	if len(s) == 0 {
		return
	}
	head := []byte(id + "." + timestamp + ".")
	var signatures []byte
	for i, key := range s {
		if i > 0 {
			signatures = append(signatures, ' ')
		}
		signatures = key.appendSignature(append(signatures, "v1,"...), head, body)
	}
	header[headerSignature] = []string{string(signatures)}
}
