package kratos_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"github.com/google/uuid"

	"invitebridge/bridge"
	"invitebridge/kratos"
	"invitebridge/kratos/kratostest"
)

const (
	canaryToken    = "canary-token-5f1e"
	canaryPassword = `canary "pass\word" <ü> 9c2d`
)

// A server may send anything, even what it received. No secret may appear in an
// error, however the error is printed or unwrapped.
func TestSecretsStayOutOfErrors(t *testing.T) {
	for name, misbehave := range map[string]func(w http.ResponseWriter, received string){
		"in a reason": func(w http.ResponseWriter, received string) {
			reason, _ := json.Marshal(received)
			w.WriteHeader(http.StatusBadRequest)
			fmt.Fprintf(w, `{"error":{"code":400,"reason":%s}}`, reason)
		},
		"in a message": func(w http.ResponseWriter, received string) {
			message, _ := json.Marshal(received)
			w.WriteHeader(http.StatusInternalServerError)
			fmt.Fprintf(w, `{"error":{"code":500,"message":%s}}`, message)
		},
		"in a body of text": func(w http.ResponseWriter, received string) {
			w.Header().Set("Content-Type", "text/plain")
			w.WriteHeader(http.StatusForbidden)
			_, _ = io.WriteString(w, received)
		},
		"in an unexpected success": func(w http.ResponseWriter, received string) {
			w.Header().Set("Content-Type", "application/json")
			_, _ = io.WriteString(w, received)
		},
		"in a redirect": func(w http.ResponseWriter, received string) {
			w.Header().Set("Location", "http://127.0.0.1:1/?"+url.QueryEscape(received))
			w.WriteHeader(http.StatusTemporaryRedirect)
		},
		"in a broken answer": func(w http.ResponseWriter, received string) {
			conn, _, err := w.(http.Hijacker).Hijack()
			if err != nil {
				return
			}
			defer conn.Close()
			fmt.Fprintf(conn, "%s\r\n\r\n", strings.Join(strings.Fields(received), " "))
		},
	} {
		// Each is tested alone, because a text that contains any of them is
		// withheld as a whole.
		for what, pick := range map[string]func(token, body, password string) string{
			"token":    func(token, _, _ string) string { return token },
			"body":     func(_, body, _ string) string { return body },
			"password": func(_, _, password string) string { return password },
		} {
			t.Run(name+"/"+what, func(t *testing.T) {
				b := newFixture(t, kratos.Config{})
				s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					body, _ := io.ReadAll(r.Body)
					var sent struct {
						Credentials struct {
							Password struct{ Config struct{ Password string } }
						}
					}
					_ = json.Unmarshal(body, &sent)
					misbehave(w, pick(r.Header.Get("Authorization"), string(body), sent.Credentials.Password.Config.Password))
				}))
				defer s.Close()
				c := newClient(t, kratos.Config{AdminURL: s.URL, AdminToken: canaryToken})
				a := b.activation()
				a.Password = canaryPassword
				for _, w := range []bridge.Write{a, bridge.WritePassword{Password: canaryPassword}} {
					err := errorOf(c.Write(t.Context(), b.made, w))
					if err == nil {
						t.Errorf("%s: no error", w.Name())
					}
					wantNoSecret(t, err)
				}
				wantNoSecret(t, errorOf(c.Write(t.Context(), b.made, bridge.EndSessions{})))
				wantNoSecret(t, c.Ping(t.Context()))
				_, err := c.FindByEmail(t.Context(), invitedEmail)
				wantNoSecret(t, err)
				_, err = c.Create(t.Context(), bridge.IdentityParams{InvitationID: uuid.New(), SchemaID: "default", Traits: []byte(`{}`)})
				wantNoSecret(t, err)
			})
		}
	}
}

func wantNoSecret(t *testing.T, err error) {
	t.Helper()
	if err == nil {
		return
	}
	var all strings.Builder
	for e := err; e != nil; e = errors.Unwrap(e) {
		fmt.Fprintf(&all, "%v %+v %#v %q\n", e, e, e, e)
	}
	slog.New(slog.NewTextHandler(&all, nil)).Error("failed", "error", err)
	inJSON, _ := json.Marshal(canaryPassword)
	for _, secret := range []string{
		canaryToken, canaryPassword, string(inJSON[1 : len(inJSON)-1]),
		strconv.Quote(canaryPassword), url.QueryEscape(canaryPassword), "9c2d",
	} {
		if strings.Contains(all.String(), secret) {
			t.Errorf("%q is in %s", secret, &all)
		}
	}
}

func TestSecretsStayOutOfFormatting(t *testing.T) {
	config := kratos.Config{AdminURL: "http://kratos:4434", AdminToken: canaryToken}
	c := newClient(t, config)
	for _, printed := range []string{
		fmt.Sprint(config), fmt.Sprintf("%v %+v %#v %s %q", config, config, config, config, config),
		fmt.Sprint(&config), fmt.Sprintf("%+v %#v", &config, &config),
		fmt.Sprint(c), fmt.Sprintf("%v %+v %#v %s", c, c, c, c),
	} {
		if strings.Contains(printed, canaryToken) || !strings.Contains(printed, "kratos") {
			t.Errorf("printed %s", printed)
		}
	}
}

// URLs contain email addresses, and dial errors contain URLs.
func TestAddressStaysOutOfErrors(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	c := newClient(t, kratos.Config{AdminURL: "http://" + l.Addr().String(), AdminToken: canaryToken})
	_, err = c.FindByEmail(t.Context(), invitedEmail)
	wantNoSecret(t, err)
	if err == nil || strings.Contains(err.Error(), "ada") || !strings.Contains(err.Error(), "refused") {
		t.Errorf("error is %v", err)
	}
}

// Some texts of a real Kratos repeat the request.
func TestSecretsStayOutOfErrors_real(t *testing.T) {
	s := kratostest.Shared(t)
	c := newClient(t, kratos.Config{AdminURL: s.AdminURL, AdminToken: canaryToken})
	mark := uuid.New()
	i, err := c.Create(t.Context(), bridge.IdentityParams{
		InvitationID: mark, SchemaID: kratostest.DefaultSchema, Traits: []byte(`{"email":"` + uuid.NewString() + `@example.com"}`),
	})
	if err != nil {
		t.Fatal(err)
	}
	a := (&fixture{mark: mark}).activation()
	a.Password = strings.Repeat(canaryPassword, 3)
	for _, w := range []bridge.Write{a, bridge.WritePassword{Password: a.Password}} {
		err := errorOf(c.Write(t.Context(), i, w))
		if !isOutcome(err, bridge.OutcomeInvalid) {
			t.Errorf("error is %v", err)
		}
		wantNoSecret(t, err)
	}
}
