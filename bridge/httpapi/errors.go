package httpapi

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
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

// handle adapts a handler to the router. Its error becomes the response and is
// recorded for the request's log line.
func (a *API) handle(h handler) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if err := h(w, r); err != nil {
			writeError(w, r, err)
			noteClientClosed(r, err)
		}
	}
}

// statusClientClosedRequest is nginx's status for a client that disconnected
// before the response. It appears only in logs, metrics and traces.
const statusClientClosedRequest = 499

// noteClientClosed records that a request failed because its client canceled it:
// that must not count as a failure of the bridge. A client that closed only its
// sending side still reads the error.
func noteClientClosed(r *http.Request, err error) {
	if !errors.Is(r.Context().Err(), context.Canceled) || !errors.Is(err, context.Canceled) {
		return
	}
	annotate(r, func(n *requestNotes) {
		n.status, n.errorID, n.err = statusClientClosedRequest, "", fmt.Errorf("client closed request: %w", err)
	})
}

// statuses maps every error kind to its HTTP status and its general message, as
// Ory's services have. The error's own reason says what to do.
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
	bridge.KindNotSupported:     {http.StatusNotImplemented, "This installation does not support the operation."},
	bridge.KindUnavailable:      {http.StatusServiceUnavailable, "A service is not available at the moment."},
}

// errorBody is the error envelope of Ory's APIs.
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

// writeError writes the response for err.
func writeError(w http.ResponseWriter, r *http.Request, err error) {
	e := publicError(err)
	noteError(r, e, err)
	code := setErrorHeaders(w, e)
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

// publicError returns the error to show to the client. Any error that is not a
// bridge.Error is internal, and its text is not shown.
func publicError(err error) *bridge.Error {
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
	annotate(r, func(n *requestNotes) { n.err, n.errorID = err, e.ID })
}

// setErrorHeaders sets the headers that go with e and returns its status.
func setErrorHeaders(w http.ResponseWriter, e *bridge.Error) int {
	if e.RetryAfter > 0 {
		w.Header().Set("Retry-After", seconds(e.RetryAfter))
	}
	if e.Kind == bridge.KindUnauthorized {
		w.Header().Set("WWW-Authenticate", "Bearer")
	}
	return statuses[e.Kind].code
}

// seconds formats d for Retry-After: whole seconds, rounded up.
func seconds(d time.Duration) string {
	return strconv.Itoa(int(math.Ceil(d.Seconds())))
}

func writeJSON(w http.ResponseWriter, code int, v any) {
	w.Header()["Content-Type"] = jsonType
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(v) // fails only if the client disconnected
}

func routeNotFound(http.ResponseWriter, *http.Request) error { return bridge.ErrRouteNotFound }

func methodNotAllowed(w http.ResponseWriter, r *http.Request) error {
	w.Header().Set("Allow", allowedMethods(chi.RouteContext(r.Context()).Routes, r))
	return bridge.ErrMethodNotAllowed
}
