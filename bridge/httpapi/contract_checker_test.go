package httpapi_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/go-chi/chi/v5/middleware"
	"github.com/santhosh-tekuri/jsonschema/v6"
)

// contractChecker validates every request and response of a listener against the
// OpenAPI document, in every test, and records the responses seen.
type contractChecker struct {
	t    testing.TB
	mu   sync.Mutex
	seen map[string]bool // by responseKey
}

var plusInEmail = regexp.MustCompile(`\bemail=[^&]*`)

func newContractChecker(t testing.TB) *contractChecker {
	loadContract() // an invalid document fails here, not in a handler
	return &contractChecker{t: t, seen: map[string]bool{}}
}

// responseKey identifies a documented response: operation, status and error id.
func responseKey(operation string, status int, errorID string) string {
	return strings.TrimSpace(fmt.Sprintf("%s %d %s", operation, status, errorID))
}

func (w *contractChecker) wrap(listener string, next http.Handler) http.Handler {
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		var sent, got bytes.Buffer
		method, path, query, key := r.Method, r.URL.EscapedPath(), r.URL.RawQuery, r.Header.Get("Idempotency-Key")
		r.Body = struct {
			io.Reader
			io.Closer
		}{io.TeeReader(r.Body, &sent), r.Body}
		ww := middleware.NewWrapResponseWriter(rw, r.ProtoMajor)
		ww.Tee(&got)
		next.ServeHTTP(ww, r)
		if method == http.MethodOptions {
			return // a CORS preflight, which is not documented
		}
		if r.Context().Err() != nil {
			return // the client has disconnected, so the response may be cut off
		}
		a := answer{status: ww.Status(), header: ww.Header(), body: got.Bytes()}
		// The bridge accepts two things that the document does not mention: a byte
		// order mark, and an unescaped plus in an email filter.
		body := bytes.TrimPrefix(sent.Bytes(), []byte("\ufeff"))
		query = plusInEmail.ReplaceAllStringFunc(query, func(p string) string { return strings.ReplaceAll(p, "+", "%2B") })
		for _, problem := range w.check(listener, method, path, query, key, body, a) {
			w.t.Errorf("%s %s on the %s listener: %d: %s", method, path, listener, a.status, problem)
		}
	})
}

func (w *contractChecker) check(listener, method, path, query, key string, sent []byte, a answer) (problems []string) {
	head := method == http.MethodHead
	if head {
		method = http.MethodGet
	}
	o, variables := loadContract().find(listener, method, path)
	if o == nil || a.status == http.StatusMethodNotAllowed {
		return checkUndocumented(a, head)
	}
	r, documented := o.responses[a.status]
	if !documented {
		return []string{o.id + " does not document this response: " + string(a.body)}
	}
	problem := func(what string, err error) {
		if err != nil {
			problems = append(problems, fmt.Sprintf("%s, %s: %v", o.id, what, err))
		}
	}
	problem("headers", r.checkHeaders(a.header))
	if !head {
		problem("the response", r.checkBody(a))
	}
	if a.status < 300 {
		problem("the parameters", o.checkParameters(variables, query, key))
		if o.body != nil {
			problem("the request", validate(o.body, sent))
		}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.seen[responseKey(o.id, a.status, a.errorID())] = true
	return problems
}

// checkUndocumented checks the response to a request that is no operation.
func checkUndocumented(a answer, head bool) []string {
	if head {
		return nil
	}
	if isPage(a) {
		return nil // below /invite, every response is a page
	}
	if err := validate(loadContract().errorEnvelope, a.body); err != nil {
		return []string{err.Error()}
	}
	if id := a.errorID(); !slices.Contains([]string{"not_found", "method_not_allowed", "unauthorized", "too_many_requests"}, id) {
		return []string{"not an operation, but it responds with " + id}
	}
	return nil
}

func isPage(a answer) bool {
	return strings.HasPrefix(a.header.Get("Content-Type"), "text/html;") && bytes.HasPrefix(a.body, []byte("<!doctype html>")) && bytes.HasSuffix(a.body, []byte("</html>\n"))
}

// checkedHeaders are the headers on which a client acts. None may be sent without
// being documented.
var checkedHeaders = []string{"Location", "Link", "Retry-After", "WWW-Authenticate"}

func (r response) checkHeaders(sent http.Header) error {
	for _, name := range checkedHeaders {
		if _, ok := r.headers[name]; !ok && sent.Get(name) != "" {
			return fmt.Errorf("%s is sent but not documented", name)
		}
	}
	for name, header := range r.headers {
		text := sent.Get(name)
		if text == "" && header.required {
			return fmt.Errorf("%s is missing", name)
		}
		if text == "" {
			continue
		}
		if err := header.check(text); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}

func (r response) checkBody(a answer) error {
	media, _, _ := strings.Cut(a.header.Get("Content-Type"), ";")
	schema := r.content[media]
	if schema == nil {
		return fmt.Errorf("the media type %s is not documented here", media)
	}
	if id := a.errorID(); len(r.errorIDs) > 0 && !slices.Contains(r.errorIDs, id) {
		return fmt.Errorf("the error %s is not documented here", id)
	}
	switch media {
	case "text/html":
		if !isPage(a) {
			return fmt.Errorf("not a complete page: %s", a.body)
		}
	case "application/json":
		return validate(schema, a.body)
	case "application/x-ndjson": // the schema is that of a line
		for line := range bytes.Lines(a.body) {
			if err := validate(schema, line); err != nil {
				return err
			}
		}
		return nil
	}
	return schema.Validate(string(a.body))
}

// checkParameters checks the parameters of a successful request. Operations
// without documented query parameters ignore the query.
func (o *operation) checkParameters(variables map[string]string, query, idempotencyKey string) error {
	given, readsQuery := map[string]string{}, false
	for name := range o.parameters {
		readsQuery = readsQuery || strings.HasPrefix(name, "query ")
	}
	for name, text := range variables {
		given["path "+name] = text
	}
	values, err := url.ParseQuery(query)
	if err != nil {
		return err
	}
	for name := range values {
		if text := values.Get(name); readsQuery && text != "" {
			given["query "+name] = text
		}
	}
	if idempotencyKey != "" {
		given["header Idempotency-Key"] = idempotencyKey
	}
	for name, text := range given {
		p, ok := o.parameters[name]
		if !ok {
			return fmt.Errorf("%s is accepted but not documented", name)
		}
		if err := p.check(text); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}

func validate(schema *jsonschema.Schema, text []byte) error {
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		return fmt.Errorf("%w: %q", err, text)
	}
	return schema.Validate(v)
}
