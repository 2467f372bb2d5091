package httpapi

import (
	"encoding/json"
	"errors"
	"maps"
	"math"
	"net/http"
	"strconv"
	"time"

	"github.com/go-chi/chi/v5"

	"invitebridge/bridge"
)

// handler is an HTTP handler that returns its error instead of writing it.
type handler func(w http.ResponseWriter, r *http.Request) error

// handle makes a handler one for the router: its error becomes the answer, and
// is noted for the log line of the request.
func (a *API) handle(h handler) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if err := h(w, r); err != nil {
			writeError(w, r, err)
		}
	}
}

// statuses is the one place where kinds become codes. The message is Ory's
// general line; the reason beside it says what to do.
var statuses = map[bridge.Kind]struct {
	code    int
	message string
}{
	bridge.KindInternal:         {http.StatusInternalServerError, "An internal error occurred."},
	bridge.KindInvalid:          {http.StatusBadRequest, "The request was malformed or contained invalid parameters."},
	bridge.KindUnauthorized:     {http.StatusUnauthorized, "The request could not be authorized."},
	bridge.KindForbidden:        {http.StatusForbidden, "The request was refused."},
	bridge.KindNotFound:         {http.StatusNotFound, "The requested resource could not be found."},
	bridge.KindNotAllowed:       {http.StatusMethodNotAllowed, "The method is not allowed for this resource."},
	bridge.KindConflict:         {http.StatusConflict, "The resource is in a state that forbids this."},
	bridge.KindGone:             {http.StatusGone, "The resource is no longer available."},
	bridge.KindTooLarge:         {http.StatusRequestEntityTooLarge, "The request is too large."},
	bridge.KindUnsupportedMedia: {http.StatusUnsupportedMediaType, "The request has an unsupported media type."},
	bridge.KindTooMany:          {http.StatusTooManyRequests, "Too many requests were sent."},
	bridge.KindRejected:         {http.StatusBadGateway, "An upstream service refused the request."},
	bridge.KindUnavailable:      {http.StatusServiceUnavailable, "A service is not available at the moment."},
}

// errorBody is Ory's envelope.
type errorBody struct {
	Error struct {
		ID      string         `json:"id"`
		Code    int            `json:"code"`
		Status  string         `json:"status"`
		Reason  string         `json:"reason"`
		Message string         `json:"message"`
		Request string         `json:"request,omitempty"`
		Details map[string]any `json:"details,omitempty"`
	} `json:"error"`
}

// writeError answers with an error.
func writeError(w http.ResponseWriter, r *http.Request, err error) {
	e := told(err)
	noteError(r, e, err)
	code := advise(w, e)
	var body errorBody
	body.Error.ID, body.Error.Code, body.Error.Status = e.ID, code, http.StatusText(code)
	body.Error.Reason, body.Error.Message, body.Error.Request = e.Reason, statuses[e.Kind].message, requestID(r)
	body.Error.Details = maps.Clone(e.Extra)
	if len(e.Messages) > 0 {
		if body.Error.Details == nil {
			body.Error.Details = make(map[string]any)
		}
		body.Error.Details["messages"] = e.Messages
	}
	writeJSON(w, code, body)
}

// told gives what may be told of an error. Whatever is not a bridge.Error is
// internal and says nothing of itself.
func told(err error) *bridge.Error {
	var e *bridge.Error
	if !errors.As(err, &e) {
		return bridge.ErrInternal
	}
	if _, known := statuses[e.Kind]; !known || e.Kind == bridge.KindInternal {
		return bridge.ErrInternal
	}
	return e
}

func noteError(r *http.Request, e *bridge.Error, err error) {
	note(r, func(n *notes) { n.err, n.errorID = err, e.ID })
}

// advise sets the headers that an error wants, and gives its status.
func advise(w http.ResponseWriter, e *bridge.Error) int {
	if e.RetryAfter > 0 {
		w.Header().Set("Retry-After", seconds(e.RetryAfter))
	}
	if e.Kind == bridge.KindUnauthorized {
		w.Header().Set("WWW-Authenticate", "Bearer")
	}
	return statuses[e.Kind].code
}

// seconds rounds up: Retry-After knows whole seconds only.
func seconds(d time.Duration) string {
	return strconv.Itoa(int(math.Ceil(d.Seconds())))
}

func writeJSON(w http.ResponseWriter, code int, v any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(v) // the client is gone: nobody to tell
}

func noRoute(http.ResponseWriter, *http.Request) error { return bridge.ErrNoRoute }

func methodNotAllowed(w http.ResponseWriter, r *http.Request) error {
	w.Header().Set("Allow", allow(chi.RouteContext(r.Context()).Routes, r))
	return bridge.ErrMethodNotAllowed
}
