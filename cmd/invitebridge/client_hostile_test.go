package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// TestHostileServer: no response makes a command print control sequences or send
// requests endlessly.
func TestHostileServer(t *testing.T) {
	const evil = "\x1b]0;owned\x07\u009b2J\u202e"
	text, _ := json.Marshal(evil)
	const id = "01970c5e-8a11-7c3e-9f54-3c1d2a7b9e60"
	item := `{"id":"` + id + `","email":` + string(text) + `,"state":` + string(text) + `,"inviter_name":` + string(text) + `,"traits":{` + string(text) + `:` + string(text) + `}}`
	for name, c := range map[string]struct {
		args         []string
		status       int
		answer, next string
		want         string // part of the output
	}{
		"a table":              {args: []string{"get", "invitation", id}, answer: item, want: "owned"},
		"JSON":                 {args: []string{"get", "invitation", id, "--format", "json"}, answer: item, want: "owned"},
		"YAML":                 {args: []string{"get", "invitation", id, "--format", "yaml"}, answer: item, want: "owned"},
		"the next page":        {args: []string{"list", "invitations"}, answer: "[" + item + "]", next: "%1b%5d0%3bowned%07", want: "NEXT PAGE TOKEN"},
		"the next page, ids":   {args: []string{"list", "invitations", "-q"}, answer: "[" + item + "]", next: "%1b%5d0%3bowned%07", want: "--page-token"},
		"the same page":        {args: []string{"list", "invitations", "--all"}, answer: "[" + item + "]", next: "1", want: "the list does not end"},
		"the same page, empty": {args: []string{"list", "messages", "--all"}, answer: "[]", next: "1", want: "the list does not end"},
		"empty pages":          {args: []string{"list", "messages", "--all"}, answer: "[]", next: "a new one", want: "the list does not end"},
		"an import":            {args: []string{"get", "import", id, "--follow"}, answer: item, want: "owned"},
		"a refusal": {args: []string{"get", "invitation", id}, status: http.StatusConflict, want: "owned",
			answer: `{"error":{"id":` + string(text) + `,"reason":` + string(text) + `,"request":` + string(text) + `,"details":{"messages":[{"text":` + string(text) + `}],"addresses":[` + string(text) + `]}}}`},
		"not ready": {args: []string{"health"}, status: http.StatusServiceUnavailable, answer: `{"errors":{` + string(text) + `:` + string(text) + `}}`, want: "not ready"},
	} {
		t.Run(name, func(t *testing.T) {
			pages := 0
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				if pages++; c.next == "a new one" {
					w.Header().Set("Link", fmt.Sprintf(`</?page_token=%d>; rel="next"`, pages))
				} else if c.next != "" {
					w.Header().Set("Link", `</?page_token=`+c.next+`>; rel="next"`)
				}
				if c.status != 0 {
					w.WriteHeader(c.status)
				}
				_, _ = w.Write([]byte(c.answer))
			}))
			defer server.Close()
			var out bytes.Buffer
			run(t.Context(), c.args, []string{envAdminURL + "=" + server.URL, envAPIKey + "=" + key}, stdio{out: &out, err: &out})
			if strings.ContainsAny(out.String(), "\x1b\x07\u009b") || !strings.Contains(out.String(), c.want) {
				t.Errorf("got %q, want %q", &out, c.want)
			}
		})
	}
}
