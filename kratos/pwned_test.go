package kratos_test

import (
	"context"
	"crypto/sha1"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"invitebridge/bridge/testenv"
	"invitebridge/kratos"
)

// pwned returns a client of a TLS server with the range protocol.
func pwned(t *testing.T, answer http.HandlerFunc) *kratos.PwnedPasswords {
	t.Helper()
	s := httptest.NewTLSServer(answer)
	t.Cleanup(s.Close)
	b, err := kratos.NewPwnedPasswords(kratos.PwnedPasswordsConfig{Host: s.Listener.Addr().String(), Transport: s.Client().Transport})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

const breachedPassword = "tr0ub4dor"

func hashOf(password string) (prefix, suffix string) {
	digits := fmt.Sprintf("%X", sha1.Sum([]byte(password)))
	return digits[:5], digits[5:]
}

func TestPwnedPasswords(t *testing.T) {
	prefix, suffix := hashOf(breachedPassword)
	other := strings.Repeat("0", 35)
	for answer, want := range map[string]int{
		"":                                  0,
		other + ":17\r\n":                   0,
		suffix + ":3":                       3,
		other + ":1\r\n" + suffix + ":42\n": 42,
		suffix + ":1,234,567\r\n":           1234567,
		suffix + "\r\n" + other + ":5":      1,
		suffix + ":0":                       0, // padding
		suffix + ":many":                    -1,
		suffix + ":-4":                      -1,
	} {
		var path string
		b := pwned(t, func(w http.ResponseWriter, r *http.Request) {
			path = r.URL.Path
			_, _ = w.Write([]byte(answer))
		})
		got, err := b.Count(t.Context(), breachedPassword)
		if want < 0 && err == nil || want >= 0 && (err != nil || got != want) {
			t.Errorf("%q: %d, %v; want %d", answer, got, err, want)
		}
		if path != "/range/"+prefix {
			t.Errorf("requested %s, want the first five digits, %s", path, prefix)
		}
		wantNoHash(t, err, breachedPassword)
	}
}

func wantNoHash(t *testing.T, err error, password string) {
	t.Helper()
	if err == nil {
		return
	}
	prefix, suffix := hashOf(password)
	for e := err; e != nil; e = errors.Unwrap(e) {
		said := strings.ToUpper(fmt.Sprintf("%v %+v %#v", e, e, e))
		if strings.Contains(said, prefix) || strings.Contains(said, suffix) || strings.Contains(said, strings.ToUpper(password)) {
			t.Errorf("the error reveals the password: %s", said)
		}
	}
}

func TestPwnedPasswords_noResponse(t *testing.T) {
	if kratos.PwnedTimeout != time.Second {
		t.Errorf("a response may take %s", kratos.PwnedTimeout)
	}
	prefix, _ := hashOf(breachedPassword)
	for name, answer := range map[string]http.HandlerFunc{
		"500": func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusInternalServerError) },
		"404": func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNotFound) },
		"204": func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) },
		"redirect": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "/range/"+prefix+"/again", http.StatusFound)
		},
		"too long":           func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(make([]byte, 300<<10)) },
		"cut off":            func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
		"no response":        hang,
		"slow body":          drip,
		"malformed response": func(w http.ResponseWriter, _ *http.Request) { malformedResponse(w, "HTTP/9.9 "+prefix) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var asked atomic.Int32
			b := pwned(t, func(w http.ResponseWriter, r *http.Request) {
				asked.Add(1)
				answer(w, r)
			})
			begun := time.Now()
			_, err := b.Count(t.Context(), breachedPassword)
			if took := time.Since(begun); took >= testenv.Limit {
				t.Errorf("took %s", took)
			}
			if err == nil || asked.Load() != 1 {
				t.Errorf("%d requests, error is %v; want one request and an error", asked.Load(), err)
			}
			wantNoHash(t, err, breachedPassword)
		})
	}
}

// hang sends nothing until the client disconnects, or for testenv.Limit.
func hang(_ http.ResponseWriter, r *http.Request) {
	select {
	case <-r.Context().Done():
	case <-time.After(testenv.Limit):
	}
}

func drip(w http.ResponseWriter, r *http.Request) {
	for r.Context().Err() == nil {
		_, _ = w.Write([]byte("\n"))
		w.(http.Flusher).Flush()
		time.Sleep(20 * time.Millisecond)
	}
}

func malformedResponse(w http.ResponseWriter, line string) {
	if conn, _, err := w.(http.Hijacker).Hijack(); err == nil {
		defer conn.Close()
		fmt.Fprintf(conn, "%s\r\n\r\n", line)
	}
}

func TestPwnedPasswords_cache(t *testing.T) {
	var asked atomic.Int32
	_, suffix := hashOf(breachedPassword)
	b := pwned(t, func(w http.ResponseWriter, _ *http.Request) {
		asked.Add(1)
		time.Sleep(20 * time.Millisecond) // so that the first callers overlap
		fmt.Fprintf(w, "%s:3\r\n", suffix)
	})
	var wait sync.WaitGroup
	for range 20 {
		wait.Go(func() {
			if n, err := b.Count(t.Context(), breachedPassword); n != 3 || err != nil {
				t.Errorf("%d, %v", n, err)
			}
		})
	}
	wait.Wait()
	if n, err := b.Count(t.Context(), breachedPassword); n != 3 || err != nil {
		t.Errorf("%d, %v", n, err)
	}
	if n := asked.Load(); n != 1 {
		t.Errorf("%d requests for one password, want one", n)
	}
	for i := range 100 { // more than the cache holds
		if _, err := b.Count(t.Context(), fmt.Sprint("another ", i)); err != nil {
			t.Fatal(err)
		}
	}
	asked.Store(0)
	if _, err := b.Count(t.Context(), breachedPassword); err != nil || asked.Load() != 1 {
		t.Errorf("%d requests after 100 others, %v; want it evicted", asked.Load(), err)
	}
}

// A caller that disconnects must not end the request for the others.
func TestPwnedPasswords_callerCancels(t *testing.T) {
	arrived, release := make(chan struct{}), make(chan struct{})
	b := pwned(t, func(http.ResponseWriter, *http.Request) {
		close(arrived)
		<-release
	})
	ctx, leave := context.WithCancel(t.Context())
	first := make(chan error, 1)
	go func() { _, err := b.Count(ctx, breachedPassword); first <- err }()
	<-arrived
	leave()
	close(release)
	if err := <-first; err != nil {
		t.Error(err)
	}
	if _, err := b.Count(ctx, "another"); !errors.Is(err, context.Canceled) {
		t.Errorf("after cancellation: %v", err)
	}
}

func TestPwnedPasswords_untrustedHost(t *testing.T) {
	s := httptest.NewTLSServer(http.NotFoundHandler())
	s.Config.ErrorLog = discard
	defer s.Close()
	b, err := kratos.NewPwnedPasswords(kratos.PwnedPasswordsConfig{Host: s.Listener.Addr().String()})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.Count(t.Context(), breachedPassword); err == nil || !strings.Contains(err.Error(), "certificate") {
		t.Errorf("error is %v, want one about the certificate", err)
	}
}

func TestNewPwnedPasswords(t *testing.T) {
	for host, ok := range map[string]bool{
		"": true, "hibp.example.com": true, "127.0.0.1:8443": true, "[::1]:8443": true,
		"https://hibp.example.com": false, "hibp.example.com/path": false, "user@hibp": false, "a b": false, ":443": false, "h?x": false,
	} {
		if _, err := kratos.NewPwnedPasswords(kratos.PwnedPasswordsConfig{Host: host}); (err == nil) != ok {
			t.Errorf("%q: %v", host, err)
		}
	}
}
