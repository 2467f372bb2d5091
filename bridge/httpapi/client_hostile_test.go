package httpapi_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"invitebridge/bridge"
	"invitebridge/bridge/httpapi"
)

// TestClientHostileServer: whatever the server responds, the client returns an
// error that describes it and contains no secret.
func TestClientHostileServer(t *testing.T) {
	var elsewhere []string
	other := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		elsewhere = append(elsewhere, r.Header.Get("Authorization"))
	}))
	defer other.Close()
	big := strings.Repeat(" ", 5<<20)
	refusal := `{"error":{"id":"hook_refused","code":403,"reason":"No seat.","request":"r1","details":{"messages":[{"id":7,"text":"Buy one.","instance_ptr":"#/email"}]}}}`
	for name, c := range map[string]struct {
		answer http.HandlerFunc
		want   httpapi.Error
	}{
		"a redirect": {func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, other.URL, http.StatusTemporaryRedirect)
		},
			httpapi.Error{Status: http.StatusTemporaryRedirect, Reason: "It does not come from an Invite Bridge."}},
		"a page": {func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "<html>") },
			httpapi.Error{Status: http.StatusOK, Reason: "The response is not the expected JSON."}},
		"larger than 4 MiB": {func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, big) },
			httpapi.Error{Status: http.StatusOK, Reason: "The response is larger than 4 MiB."}},
		"an error larger than 4 MiB": {func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusInternalServerError)
			_, _ = io.WriteString(w, big)
		},
			httpapi.Error{Status: http.StatusInternalServerError, Reason: "It does not come from an Invite Bridge."}},
		"no envelope": {func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusBadGateway)
			_, _ = io.WriteString(w, `{"error":"oops"}`)
		},
			httpapi.Error{Status: http.StatusBadGateway, Reason: "It does not come from an Invite Bridge."}},
		"a refusal with messages": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", "5")
			w.WriteHeader(http.StatusForbidden)
			_, _ = io.WriteString(w, refusal)
		}, httpapi.Error{
			ID: "hook_refused", Status: http.StatusForbidden, Reason: "No seat.", RequestID: "r1", RetryAfter: 5 * time.Second,
			Messages: []bridge.UIText{{ID: 7, Text: "Buy one.", InstancePtr: "#/email"}},
		}},
	} {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewServer(c.answer)
			defer server.Close()
			_, err := newClient(t, server.URL).Get(t.Context(), uuid.New())
			var e *httpapi.Error
			if !errors.As(err, &e) || fmt.Sprintf("%+v", *e) != fmt.Sprintf("%+v", c.want) {
				t.Errorf("%+v", err)
			}
			if strings.Contains(err.Error(), key) {
				t.Error("the error contains the key")
			}
		})
	}
	if len(elsewhere) != 0 {
		t.Errorf("%d requests with the key followed the redirect", len(elsewhere))
	}
}

// TestClientNoResponse: without a response the error is not an *Error. It names
// the endpoint, but not the email address that the caller searched for.
func TestClientNoResponse(t *testing.T) {
	hangUp := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }))
	defer hangUp.Close()
	arrived := make(chan struct{})
	silent := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		close(arrived)
		<-r.Context().Done()
	}))
	defer silent.Close()
	gone := httptest.NewServer(nil)
	gone.Close()
	for name, endpoint := range map[string]string{"hang up": hangUp.URL, "silence": silent.URL, "gone": gone.URL} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			if name == "silence" {
				go func() { <-arrived; cancel() }()
			}
			defer cancel()
			_, err := newClient(t, endpoint).List(ctx, httpapi.ListQuery{Email: email})
			var e *httpapi.Error
			if err == nil || errors.As(err, &e) || !strings.Contains(err.Error(), endpoint) || strings.Contains(err.Error(), "ada") {
				t.Errorf("%v", err)
			}
			if errors.Is(err, context.Canceled) != (name == "silence") {
				t.Errorf("%v", err)
			}
		})
	}
}

func TestNewClient(t *testing.T) {
	for _, endpoint := range []string{
		"", "127.0.0.1:4489", "ftp://a.example.com", "http://", "http://user:CANARY@a.example.com", "http://a.example.com?CANARY", "http://a.example.com#CANARY", "http://CANARY%zz",
	} {
		if _, err := httpapi.NewClient(endpoint, key); err == nil || strings.Contains(err.Error(), "CANARY") {
			t.Errorf("%q: %v", endpoint, err)
		}
	}
	for _, bad := range []string{"", "CANARY two", "CANARY\n", "CANARYé"} {
		if _, err := httpapi.NewClient("http://a.example.com", bad); err == nil || strings.Contains(err.Error(), "CANARY") {
			t.Errorf("%q: %v", bad, err)
		}
	}
	for _, path := range []string{"", "api", "/api?x", "/api#x"} {
		if _, err := httpapi.NewClient("http://a.example.com", key, httpapi.WithBasePath(path)); err == nil {
			t.Errorf("base path %q is accepted", path)
		}
	}
	c := newClient(t, "https://a.example.com/bridge/")
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%d"} {
		if text := fmt.Sprintf(verb, c); text != "client of https://a.example.com/bridge/api/v1/invite" {
			t.Errorf("%s prints %s", verb, text)
		}
	}
}
