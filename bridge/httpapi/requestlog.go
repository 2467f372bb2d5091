package httpapi

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"regexp"
	"runtime/debug"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/google/uuid"

	"invitebridge/bridge"
)

// requestIDHeader is spelled as net/http does, which saves a conversion.
const requestIDHeader = "X-Request-Id"

// requestNotes collects what a request's handlers contribute to its log line. Only
// the goroutine that serves the request uses it.
type requestNotes struct {
	requestID  string
	clientIP   string
	apiKey     string // the name
	inviter    string // the id of the identity with the session
	invitation string // the id
	imported   string // the id of the import
	errorID    string
	err        error
	status     int // to record instead of the status that was sent; zero: that one
	traceID    string
	endTrace   func(RequestRecord)
}

type requestNotesKey struct{}

// annotate changes the notes of a request, if it has any.
func annotate(r *http.Request, change func(*requestNotes)) {
	if n, ok := r.Context().Value(requestNotesKey{}).(*requestNotes); ok {
		change(n)
	}
}

func requestID(r *http.Request) (id string) {
	annotate(r, func(n *requestNotes) { id = n.requestID })
	return id
}

var requestIDPattern = regexp.MustCompile(`^[A-Za-z0-9._-]{1,64}$`)

// withRequestID assigns each request an id, its notes and its trace.
func (a *API) withRequestID(trusted func(*http.Request) bool) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			id, remote := r.Header.Get(requestIDHeader), r.Header
			if !trusted(r) {
				id, remote = "", nil
			}
			if !requestIDPattern.MatchString(id) {
				id = uuid.NewString()
			}
			w.Header()[requestIDHeader] = []string{id}
			n := &requestNotes{requestID: id}
			if ip := a.clientIP(r); ip.IsValid() {
				n.clientIP = ip.String()
			}
			ctx := context.WithValue(r.Context(), requestNotesKey{}, n)
			if a.config.Trace != nil {
				ctx, n.traceID, n.endTrace = a.config.Trace(ctx, remote)
			}
			next.ServeHTTP(w, r.WithContext(ctx))
		})
	}
}

// logRequests reports each finished request to the log, to Config.Observe and to
// its trace. It reports the route pattern: paths and queries carry secrets.
func (a *API) logRequests(listener string) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			start := time.Now()
			ww := &statusWriter{ResponseWriter: w}
			defer func() {
				x := RequestRecord{listener, method(r), route(r), ww.status, time.Since(start)}
				annotate(r, func(n *requestNotes) { x.Status = cmp.Or(n.status, x.Status) })
				a.logRequest(x, r)
				if a.config.Observe != nil {
					a.config.Observe(x)
				}
				annotate(r, func(n *requestNotes) {
					if n.endTrace != nil {
						n.endTrace(x)
					}
				})
			}()
			next.ServeHTTP(ww, r)
		})
	}
}

// statusWriter notes the status of a response; 0: nothing was written. (That of chi's
// middleware package brings the profiler of net/http/pprof into the binary.)
type statusWriter struct {
	http.ResponseWriter
	status int
}

// WriteHeader ignores all but the first final status: nothing can follow it.
func (w *statusWriter) WriteHeader(status int) {
	if w.status != 0 {
		return
	}
	if status >= http.StatusOK {
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *statusWriter) Write(b []byte) (int, error) {
	if w.status == 0 {
		w.status = http.StatusOK
	}
	return w.ResponseWriter.Write(b)
}

// Unwrap is for [http.ResponseController].
func (w *statusWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// route returns the route pattern that matches the whole path; empty if none
// does. A pattern that matches only a prefix does not count: the rest of the path
// is client-controlled.
func route(r *http.Request) string {
	pattern := chi.RouteContext(r.Context()).RoutePattern()
	if strings.HasSuffix(pattern, "*") {
		return ""
	}
	return pattern
}

func (a *API) logRequest(x RequestRecord, r *http.Request) {
	level := slog.LevelInfo
	switch {
	case x.Status >= http.StatusInternalServerError:
		level = slog.LevelError
	case x.Route == routeAlive || x.Route == routeReady || x.Route == routeMetrics:
		level = slog.LevelDebug
	}
	if !a.config.Log.Enabled(r.Context(), level) {
		return
	}
	var room [14]slog.Attr
	attrs := append(room[:0],
		slog.String("listener", x.Listener), slog.String("method", x.Method), slog.String("route", x.Route),
		slog.Int("status", x.Status), slog.Float64("duration_ms", float64(x.Took.Microseconds())/1000))
	annotate(r, func(n *requestNotes) {
		for _, optional := range [...][2]string{
			{"request_id", n.requestID}, {"client_ip", n.clientIP}, {"api_key", n.apiKey}, {"inviter", n.inviter},
			{"invitation_id", n.invitation}, {"import_id", n.imported}, {"error_id", n.errorID}, {"trace_id", n.traceID},
		} {
			if optional[1] != "" {
				attrs = append(attrs, slog.String(optional[0], optional[1]))
			}
		}
		if cause := logCause(n.err); cause != nil {
			attrs = append(attrs, slog.String("cause", cause.Error()))
		}
	})
	a.config.Log.LogAttrs(r.Context(), level, "request", attrs...)
}

// logCause returns what the response does not show: the cause of a bridge.Error,
// or the whole error if it is not a plain one.
func logCause(err error) error {
	if e, plain := err.(*bridge.Error); plain { //nolint:errorlint // errors that wrap it are logged as a whole
		return e.Cause
	}
	return err
}

// method returns the request's method, or "other": clients can send any text.
func method(r *http.Request) string {
	switch r.Method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions:
		return r.Method
	}
	return "other"
}

// recover turns a panic into an internal error, for which fail writes the
// response. It logs the type and the stack, not the value, which may contain a
// secret.
func (a *API) recover(fail func(http.ResponseWriter, *http.Request, error)) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			defer func() {
				value := recover()
				if value == nil {
					return
				}
				if err, ok := value.(error); ok && errors.Is(err, http.ErrAbortHandler) {
					panic(value)
				}
				fail(w, r, fmt.Errorf("panic of type %T at %s", value, debug.Stack()))
			}()
			next.ServeHTTP(w, r)
		})
	}
}

// Values of headers that do not differ between responses, which share them.
var (
	noStore    = []string{"no-store"}
	noReferrer = []string{"no-referrer"}
	noSniff    = []string{"nosniff"}
	jsonType   = []string{"application/json; charset=utf-8"}
)

// securityHeaders sets headers that keep tokens out of caches and referrers:
// responses may contain a token, and URLs do.
func securityHeaders(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h["Cache-Control"], h["Referrer-Policy"], h["X-Content-Type-Options"] = noStore, noReferrer, noSniff
		next.ServeHTTP(w, r)
	})
}
