package httpapi

import (
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
	"github.com/go-chi/chi/v5/middleware"
	"github.com/google/uuid"

	"invitebridge/bridge"
)

const requestIDHeader = "X-Request-ID"

// notes is what the parts of a request leave for its log line. It belongs to
// the goroutine that serves the request.
type notes struct {
	requestID  string
	clientIP   string
	apiKey     string // the name
	invitation string // the id
	errorID    string
	err        error
	traceID    string
	endTrace   func(Exchange)
}

type notesKey struct{}

// note changes the notes of a request, if it has any.
func note(r *http.Request, change func(*notes)) {
	if n, ok := r.Context().Value(notesKey{}).(*notes); ok {
		change(n)
	}
}

func requestID(r *http.Request) (id string) {
	note(r, func(n *notes) { id = n.requestID })
	return id
}

var sanePattern = regexp.MustCompile(`^[A-Za-z0-9._-]{1,64}$`)

// identify gives each request an id and its notes.
func (a *API) identify(trusted func(*http.Request) bool) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			id, remote := r.Header.Get(requestIDHeader), r.Header
			if !trusted(r) {
				id, remote = "", nil
			}
			if !sanePattern.MatchString(id) {
				id = uuid.NewString()
			}
			w.Header().Set(requestIDHeader, id)
			n := &notes{requestID: id}
			if ip := a.clientIP(r); ip.IsValid() {
				n.clientIP = ip.String()
			}
			ctx := context.WithValue(r.Context(), notesKey{}, n)
			if a.config.Trace != nil {
				ctx, n.traceID, n.endTrace = a.config.Trace(ctx, remote)
			}
			next.ServeHTTP(w, r.WithContext(ctx))
		})
	}
}

// access tells of each request when it was answered: the log, and whoever
// observes. It names the pattern of the route; paths and queries carry secrets.
func (a *API) access(listener string) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			start := time.Now()
			ww := middleware.NewWrapResponseWriter(w, r.ProtoMajor)
			defer func() {
				x := Exchange{listener, method(r), route(r), ww.Status(), time.Since(start)}
				a.logRequest(x, r)
				if a.config.Observe != nil {
					a.config.Observe(x)
				}
				note(r, func(n *notes) {
					if n.endTrace != nil {
						n.endTrace(x)
					}
				})
			}()
			next.ServeHTTP(ww, r)
		})
	}
}

// route gives the pattern that a request matched to its end. A part of one is
// none: the rest was made up.
func route(r *http.Request) string {
	pattern := chi.RouteContext(r.Context()).RoutePattern()
	if strings.HasSuffix(pattern, "*") {
		return ""
	}
	return pattern
}

func (a *API) logRequest(x Exchange, r *http.Request) {
	attrs := []slog.Attr{
		slog.String("listener", x.Listener), slog.String("method", x.Method), slog.String("route", x.Route),
		slog.Int("status", x.Status), slog.Float64("duration_ms", float64(x.Took.Microseconds())/1000),
	}
	level := slog.LevelInfo
	note(r, func(n *notes) {
		for _, optional := range [][2]string{
			{"request_id", n.requestID}, {"client_ip", n.clientIP}, {"api_key", n.apiKey},
			{"invitation_id", n.invitation}, {"error_id", n.errorID}, {"trace_id", n.traceID},
		} {
			if optional[1] != "" {
				attrs = append(attrs, slog.String(optional[0], optional[1]))
			}
		}
		if cause := causeOf(n.err); cause != nil {
			attrs = append(attrs, slog.String("cause", cause.Error()))
		}
	})
	switch {
	case x.Status >= http.StatusInternalServerError:
		level = slog.LevelError
	case x.Route == routeAlive || x.Route == routeReady || x.Route == routeMetrics:
		level = slog.LevelDebug
	}
	a.config.Log.LogAttrs(r.Context(), level, "request", attrs...)
}

// causeOf gives what an answer does not tell: what is behind an error of ours,
// or the whole of one that is more than that.
func causeOf(err error) error {
	if ours, plain := err.(*bridge.Error); plain { //nolint:errorlint // an error around it is to be told too
		return ours.Cause
	}
	return err
}

// method keeps what a client made up out of the log.
func method(r *http.Request) string {
	switch r.Method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions:
		return r.Method
	}
	return "other"
}

// recover turns a panic into an internal error, which fail answers with. Only
// the place is logged: the value may hold anything.
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

// guardHeaders: answers may carry a token, and their addresses do.
func guardHeaders(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		w.Header().Set("Referrer-Policy", "no-referrer")
		w.Header().Set("X-Content-Type-Options", "nosniff")
		next.ServeHTTP(w, r)
	})
}
