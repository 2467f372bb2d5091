package webhook

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
)

const (
	secretPrefix   = "whsec_"
	minSecretBytes = 24
	maxSecretBytes = 64
)

// signer signs with each of its keys; with none, it signs nothing.
type signer []*standardwebhooks.Webhook

// signer reads the secrets. The library takes much more for a secret than
// Standard Webhooks does, so they are decoded here.
func (c *checker) signer(key string, secrets []string) signer {
	var s signer
	for i, secret := range secrets {
		at := fmt.Sprintf("%s.secrets[%d]", key, i)
		raw, ok := decodeSecret(secret)
		if !ok {
			c.problem(at, "must be %q and the base64 of %d to %d random bytes", secretPrefix, minSecretBytes, maxSecretBytes)
			continue
		}
		if slices.Contains(secrets[:i], secret) {
			c.problem(at, "is there twice")
		}
		one, err := standardwebhooks.NewWebhookRaw(raw)
		if err != nil {
			c.problem(at, "cannot be used to sign")
			continue
		}
		s = append(s, one)
	}
	return s
}

func decodeSecret(secret string) ([]byte, bool) {
	text, ok := strings.CutPrefix(secret, secretPrefix)
	if !ok {
		return nil, false
	}
	raw, err := base64.StdEncoding.DecodeString(text)
	// The decoder skips line breaks and stray bits: one secret, one spelling.
	if err != nil || base64.StdEncoding.EncodeToString(raw) != text {
		return nil, false
	}
	return raw, len(raw) >= minSecretBytes && len(raw) <= maxSecretBytes
}

// sign adds the headers of Standard Webhooks.
//
// https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
func (s signer) sign(header http.Header, id string, at time.Time, body []byte) error {
	header.Set(standardwebhooks.HeaderWebhookID, id)
	header.Set(standardwebhooks.HeaderWebhookTimestamp, strconv.FormatInt(at.Unix(), 10))
	signatures := make([]string, 0, len(s))
	for _, one := range s {
		signature, err := one.Sign(id, at, body)
		if err != nil {
			return err
		}
		signatures = append(signatures, signature)
	}
	if len(signatures) > 0 {
		header.Set(standardwebhooks.HeaderWebhookSignature, strings.Join(signatures, " "))
	}
	return nil
}
