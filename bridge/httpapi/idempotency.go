package httpapi

import (
	"net/http"

	"invitebridge/bridge"
)

// idempotencyHeader is spelled as net/http does.
const idempotencyHeader = "Idempotency-Key"

const maxIdempotencyKey = 255 // characters

// idempotencyKey returns the key under which an operation of a client is stored: it has
// the name of an API key, or the text of another creator. Zero: the request has no
// Idempotency-Key.
//
// Errors: ErrBadRequest.
func idempotencyKey(r *http.Request, client, operation string) (bridge.Digest, error) {
	given := r.Header.Values(idempotencyHeader)
	if len(given) == 0 {
		return bridge.Digest{}, nil
	}
	if len(given) > 1 || !isIdempotencyKey(given[0]) {
		return bridge.Digest{}, bridge.ErrBadRequest.WithReasonf("Send one Idempotency-Key of 1 to %d visible ASCII characters, such as a random UUID.", maxIdempotencyKey)
	}
	return bridge.IdempotencyKey(client, operation, given[0]), nil
}

func isIdempotencyKey(text string) bool {
	for i := range len(text) {
		if text[i] <= ' ' || text[i] > '~' {
			return false
		}
	}
	return text != "" && len(text) <= maxIdempotencyKey
}
