package page_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"invitebridge/bridge"
	"invitebridge/bridge/page"
)

type breaches int

func (b breaches) Count(context.Context, string) (int, error) { return int(b), nil }

// alert returns the problem text of a form, after checking how it is connected to
// the password field.
func alert(t *testing.T, language string, problem *bridge.Error) (message string, field *html.Node) {
	t.Helper()
	v := full(page.ScreenForm)
	v.Problem = problem
	_, root := render(t, newPage(t, page.Config{}), language, v)
	field = find(root, "input")[1]
	if !has(field, "autofocus") || attr(field, "aria-describedby") != "faults rules" || has(field, "value") {
		t.Errorf("password: %v", field.Attr)
	}
	each(root, func(n *html.Node) {
		if attr(n, "role") == "alert" {
			message = text(n)
		}
	})
	return message, field
}

// TestRender_passwordRejected: every violation of the password policy is shown in
// the reader's language.
func TestRender_passwordRejected(t *testing.T) {
	policy := bridge.PasswordPolicy{MinLength: 10, CheckSimilarity: true, Breaches: breaches(0)}
	breached := policy
	breached.Breaches = breaches(5)
	for _, c := range []struct {
		name, password string
		policy         bridge.PasswordPolicy
		en, de         string
	}{
		{"missing", "", policy, "choose a password", "wählen Sie ein Passwort"},
		{"short", "x", policy, "at least 10 characters", "mindestens 10 Zeichen"},
		{"similar", "jo@example.com", policy, "similar", "ähnelt"},
		{"long", strings.Repeat("qwz ", 20), policy, "at most 72", "höchstens 72"},
		{"breached", "correct horse", breached, "data leaks", "Datenlecks"},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := c.policy.Check(context.Background(), []string{"jo@example.com"}, c.password)
			var problem *bridge.Error
			if !errors.As(err, &problem) {
				t.Fatalf("the policy returned %v", err)
			}
			for language, want := range map[string]string{"en": c.en, "de": c.de} {
				got, field := alert(t, language, problem)
				if !strings.Contains(got, want) || attr(field, "aria-invalid") != "true" {
					t.Errorf("%s: %q, %v", language, got, field.Attr)
				}
			}
		})
	}
}

// TestRender_messages: Kratos' messages, decoded from JSON, are translated. A
// hook's messages are shown as they are whatever their ids: they need not be
// about the password.
func TestRender_messages(t *testing.T) {
	problem := *bridge.ErrPasswordPolicyViolation
	problem.Messages = []bridge.UIText{{ID: 4000032, Text: "raw", Context: map[string]any{"min_length": 9.0}}, {ID: 4000032, Text: "odd", Context: map[string]any{"min_length": 1e300}}}
	if got, field := alert(t, "en", &problem); !strings.Contains(got, "at least 9 characters") || !strings.HasSuffix(got, "odd") || !has(field, "aria-invalid") {
		t.Error(got)
	}
	problem = *bridge.ErrHookRefused
	problem.Messages = []bridge.UIText{{ID: 4000033, Text: "At most 20\n\u202ein our shop."}, {ID: 7, Text: "Not <b>on</b> Sundays." + strings.Repeat("x", 1000)}}
	got, field := alert(t, "en", &problem)
	if !strings.HasPrefix(got, "At most 20 in our shop.Not <b>on</b> Sundays.x") || len([]rune(got)) > 350 || has(field, "aria-invalid") {
		t.Errorf("%q, %v", got, field.Attr)
	}
}

// TestRender_problem: every other error is explained without internal terms.
func TestRender_problem(t *testing.T) {
	for _, problem := range []*bridge.Error{
		bridge.ErrTooManyRequests, bridge.ErrAcceptInProgress, bridge.ErrKratosUnavailable, bridge.ErrHookUnavailable, bridge.ErrStoreUnavailable,
		bridge.ErrUnsupportedMediaType, bridge.ErrBodyTooLarge, bridge.ErrInternal, bridge.ErrHookRefused, bridge.ErrKratosRejected,
		{ID: "added_later"},
	} {
		for _, language := range languages(t) {
			got, field := alert(t, language, problem)
			if has(field, "aria-invalid") {
				t.Errorf("%s blames the password", problem.ID)
			}
			if len(got) < 20 {
				t.Errorf("%s: %q", problem.ID, got)
			}
			for _, word := range []string{"kratos", "hook", "token", "server error", "store", problem.ID} {
				if strings.Contains(strings.ToLower(got), word) {
					t.Errorf("%s contains %q: %s", problem.ID, word, got)
				}
			}
		}
	}
}
