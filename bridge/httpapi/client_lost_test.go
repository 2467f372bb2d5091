package httpapi_test

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"invitebridge/bridge/httpapi"
)

// lose reads the whole file and closes the connection without a response.
func lose(_ http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body)
	panic(http.ErrAbortHandler)
}

// gateway reads the whole file and responds as a proxy does whose bridge did not.
func gateway(status int) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.WriteHeader(status)
	}
}

// TestClientImportLost: the error of an upload without a response reports whether the
// bridge may have the whole file. Attempts that failed otherwise after that one do not
// change it.
func TestClientImportLost(t *testing.T) {
	const all = 4 // attempts
	repeat := func(h http.HandlerFunc) []http.HandlerFunc { return []http.HandlerFunc{h, h, h, h} }
	after := func(h http.HandlerFunc) []http.HandlerFunc { return []http.HandlerFunc{lose, h, h, h} }
	for name, c := range map[string]struct {
		answers  []http.HandlerFunc
		attempts int
		lost     bool // the error is an UploadError
		complete bool
		status   int // of the Error in it; 0: there is none
	}{
		"all of it":                              {repeat(lose), all, true, true, 0},
		"part of it":                             {repeat(hangUp), all, true, false, 0},
		"all of it, then part of it":             {after(hangUp), all, true, true, 0},
		"part of it, then all of it":             {[]http.HandlerFunc{hangUp, lose, hangUp, hangUp}, all, true, true, 0},
		"all of it, then unavailable":            {after(respond(http.StatusServiceUnavailable)), all, true, true, http.StatusServiceUnavailable},
		"all of it, then busy":                   {after(respond(http.StatusTooManyRequests)), all, true, true, http.StatusTooManyRequests},
		"all of it, then busy for long":          {after(respond(http.StatusTooManyRequests, "Retry-After", "3600")), 2, true, true, http.StatusTooManyRequests},
		"all of it, then a defect":               {after(respond(http.StatusInternalServerError)), 2, true, true, http.StatusInternalServerError},
		"all of it, then a key that has expired": {after(respond(http.StatusUnauthorized)), 2, true, true, http.StatusUnauthorized},
		"all of it, then invalid":                {after(respond(http.StatusBadRequest)), 2, false, false, http.StatusBadRequest},
		"never, unavailable":                     {repeat(respond(http.StatusServiceUnavailable)), all, false, false, http.StatusServiceUnavailable},
		"a gateway's timeout":                    {repeat(gateway(http.StatusGatewayTimeout)), all, true, true, http.StatusGatewayTimeout},
		"a gateway's timeout, then not":          {[]http.HandlerFunc{gateway(http.StatusBadGateway), hangUp, hangUp, hangUp}, all, true, true, 0},
		"a gateway's refusal":                    {repeat(gateway(http.StatusForbidden)), 1, false, false, http.StatusForbidden},
	} {
		t.Run(name, func(t *testing.T) {
			client, got := uploadServer(t, c.answers...)
			_, err := client.Import(t.Context(), strings.NewReader("email\nada@example.com\n"), httpapi.ImportOptions{MediaType: httpapi.MediaTypeCSV, IdempotencyKey: "k"})
			var lost *httpapi.UploadError
			if errors.As(err, &lost) != c.lost || c.lost && (lost.Complete != c.complete || lost.Unwrap() == nil) {
				t.Errorf("got %#v", err)
			}
			var refused *httpapi.Error
			if errors.As(err, &refused) != (c.status != 0) || c.status != 0 && refused.Status != c.status {
				t.Errorf("got %v, want %d", err, c.status)
			}
			if n, _ := got.seen(); n != c.attempts {
				t.Errorf("%d attempts, want %d", n, c.attempts)
			}
		})
	}
}

// TestClientImportFound: a repetition that succeeds is a success, whatever happened before.
func TestClientImportFound(t *testing.T) {
	client, _ := uploadServer(t, lose, respond(http.StatusServiceUnavailable), gateway(http.StatusBadGateway))
	if _, err := client.Import(t.Context(), strings.NewReader("email\n"), httpapi.ImportOptions{MediaType: httpapi.MediaTypeCSV, IdempotencyKey: "k"}); err != nil {
		t.Error(err)
	}
}
