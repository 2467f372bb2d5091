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

// watch holds every exchange of a listener against the contract, in whichever
// test it happens, and notes what was seen.
type watch struct {
	t    testing.TB
	mu   sync.Mutex
	seen map[string]bool // as sight makes them
}

var plusInEmail = regexp.MustCompile(`\bemail=[^&]*`)

func newWatch(t testing.TB) *watch {
	theContract() // what is wrong with it is to show here
	return &watch{t: t, seen: map[string]bool{}}
}

// sight names an answer: the operation, the status, and the id of its error.
func sight(operation string, status int, errorID string) string {
	return strings.TrimSpace(fmt.Sprintf("%s %d %s", operation, status, errorID))
}

func (w *watch) over(listener string, next http.Handler) http.Handler {
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		var sent, got bytes.Buffer
		method, path, query := r.Method, r.URL.EscapedPath(), r.URL.RawQuery
		r.Body = struct {
			io.Reader
			io.Closer
		}{io.TeeReader(r.Body, &sent), r.Body}
		ww := middleware.NewWrapResponseWriter(rw, r.ProtoMajor)
		ww.Tee(&got)
		next.ServeHTTP(ww, r)
		if method == http.MethodOptions {
			return // of browsers, before they ask
		}
		a := answer{status: ww.Status(), header: ww.Header(), body: got.Bytes()}
		// Both are understood besides what the document says.
		body := bytes.TrimPrefix(sent.Bytes(), []byte("\ufeff"))
		query = plusInEmail.ReplaceAllStringFunc(query, func(p string) string { return strings.ReplaceAll(p, "+", "%2B") })
		for _, problem := range w.judge(listener, method, path, query, body, a) {
			w.t.Errorf("%s %s on the %s listener: %d: %s", method, path, listener, a.status, problem)
		}
	})
}

func (w *watch) judge(listener, method, path, query string, sent []byte, a answer) (problems []string) {
	head := method == http.MethodHead
	if head {
		method = http.MethodGet
	}
	o, variables := theContract().find(listener, method, path)
	if o == nil {
		return noOperation(a, head)
	}
	r, documented := o.answers[a.status]
	if !documented {
		return []string{o.id + " has no such answer: " + string(a.body)}
	}
	problem := func(what string, err error) {
		if err != nil {
			problems = append(problems, fmt.Sprintf("%s, %s: %v", o.id, what, err))
		}
	}
	problem("headers", r.checkHeaders(a.header))
	if !head {
		problem("the answer", r.checkBody(a))
	}
	if a.status < 300 {
		problem("the parameters", o.checkParameters(variables, query))
		if o.body != nil {
			problem("the request", validate(o.body, sent))
		}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.seen[sight(o.id, a.status, a.errorID())] = true
	return problems
}

// noOperation judges what is answered where nothing is.
func noOperation(a answer, head bool) []string {
	if head {
		return nil
	}
	if isPage(a) {
		return nil // below that of the invitee's page, whatever is asked is answered by one
	}
	if err := validate(theContract().failure, a.body); err != nil {
		return []string{err.Error()}
	}
	if id := a.errorID(); !slices.Contains([]string{"not_found", "method_not_allowed", "unauthorized"}, id) {
		return []string{"this is no operation, and yet it answers " + id}
	}
	return nil
}

func isPage(a answer) bool {
	return strings.HasPrefix(a.header.Get("Content-Type"), "text/html;") && bytes.HasPrefix(a.body, []byte("<!doctype html>")) && bytes.HasSuffix(a.body, []byte("</html>\n"))
}

// advice are the headers that tell a client what to do: none is sent that is
// not documented.
var advice = []string{"Location", "Link", "Retry-After", "WWW-Authenticate"}

func (r response) checkHeaders(sent http.Header) error {
	for _, name := range advice {
		if _, ok := r.headers[name]; !ok && sent.Get(name) != "" {
			return fmt.Errorf("%s is sent and not documented", name)
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
	if media, _, _ := strings.Cut(a.header.Get("Content-Type"), ";"); media != r.media {
		return fmt.Errorf("it is %s and not %s", media, r.media)
	}
	if id := a.errorID(); len(r.errorIDs) > 0 && !slices.Contains(r.errorIDs, id) {
		return fmt.Errorf("the error %s is not documented here", id)
	}
	if r.media == "text/html" && !isPage(a) {
		return fmt.Errorf("it is no whole page: %s", a.body)
	}
	if r.media != "application/json" {
		return r.schema.Validate(string(a.body))
	}
	return validate(r.schema, a.body)
}

// checkParameters judges the parameters of a request that was answered well.
// An operation without any in its query does not read it.
func (o *operation) checkParameters(variables map[string]string, query string) error {
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
	for name, text := range given {
		p, ok := o.parameters[name]
		if !ok {
			return fmt.Errorf("%s is taken and not documented", name)
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
