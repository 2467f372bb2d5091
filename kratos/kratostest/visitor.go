package kratostest

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"time"
)

// visitor is a client of the self-service API: a native app, signed in if it
// has a session token, or a browser that requests JSON and keeps its cookies.
type visitor struct {
	server *Server
	kind   string // "api" or "browser"
	token  string
	http   *http.Client
}

func (s *Server) app(token string) *visitor {
	return &visitor{server: s, kind: "api", token: token, http: s.http}
}

func (s *Server) browser() *visitor {
	jar, _ := cookiejar.New(nil) // its error is always nil
	return &visitor{server: s, kind: "browser", http: &http.Client{
		Timeout: callTimeout, Jar: jar, Transport: s.http.Transport,
	}}
}

// answer is a response of Kratos and its request.
type answer struct {
	method, url string
	status      int
	body        []byte
	location    *url.URL // of a browser, after all redirects
}

// asError returns the error of a response that does not sign in.
func (a answer) asError() error {
	var f flow
	if json.Unmarshal(a.body, &f) == nil {
		if err := f.refusal(); err != nil {
			return err
		}
	}
	// If the flow has no such message, the body is an error, or for a browser a
	// list of errors.
	switch {
	case bytes.Contains(a.body, []byte("account was disabled")): // up to v26.2.0
		return ErrInactive
	case bytes.Contains(a.body, []byte("The code was already used")):
		return ErrWrongCode
	}
	return &StatusError{Method: a.method, Path: a.url, Status: a.status, Body: string(a.body)}
}

// exchange serializes self-service requests: in parallel, SQLite answers
// "database is locked". It also does so while the admin API is in use; then the
// request had no effect and is repeated.
func (v *visitor) exchange(ctx context.Context, method, address string, form any) (a answer, err error) {
	v.server.flows.Lock()
	defer v.server.flows.Unlock()
	for {
		a, err = v.exchangeOnce(ctx, method, address, form)
		if err != nil || a.status != http.StatusInternalServerError || !bytes.Contains(a.body, []byte("database is locked")) || !pause(ctx, pollEvery) {
			return a, err
		}
	}
}

func pause(ctx context.Context, d time.Duration) bool {
	select {
	case <-time.After(d):
		return true
	case <-ctx.Done():
		return false
	}
}

func (v *visitor) exchangeOnce(ctx context.Context, method, address string, form any) (answer, error) {
	var body bytes.Buffer
	if form != nil {
		if err := json.NewEncoder(&body).Encode(form); err != nil {
			return answer{}, err
		}
	}
	r, err := http.NewRequestWithContext(ctx, method, address, &body)
	if err != nil {
		return answer{}, err
	}
	r.Header.Set("Accept", "application/json")
	if form != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	if v.token != "" {
		r.Header.Set("X-Session-Token", v.token)
	}
	res, err := v.http.Do(r)
	if err != nil {
		return answer{}, err
	}
	defer res.Body.Close()
	var text bytes.Buffer
	_, err = text.ReadFrom(res.Body)
	return answer{method, address, res.StatusCode, text.Bytes(), res.Request.URL}, err
}

// begin starts a flow; query may be empty.
func (v *visitor) begin(ctx context.Context, kind string, query url.Values) (flow, error) {
	address := v.server.PublicURL + "/self-service/" + kind + "/" + v.kind + "?" + query.Encode()
	a, err := v.exchange(ctx, http.MethodGet, address, nil)
	if err != nil {
		return flow{}, err
	}
	var f flow
	if a.status != http.StatusOK || json.Unmarshal(a.body, &f) != nil || f.UI.Action == "" {
		return flow{}, a.asError()
	}
	return f, nil
}

// send submits the form of a flow.
func (v *visitor) send(ctx context.Context, f flow, form map[string]any) (answer, error) {
	if token := f.value("csrf_token"); token != "" {
		form["csrf_token"] = token
	}
	return v.exchange(ctx, http.MethodPost, f.UI.Action, form)
}

// submit starts a flow and submits its form.
func (v *visitor) submit(ctx context.Context, kind string, query url.Values, form map[string]any) (answer, error) {
	f, err := v.begin(ctx, kind, query)
	if err != nil {
		return answer{}, err
	}
	return v.send(ctx, f, form)
}
