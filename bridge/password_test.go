package bridge_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"invitebridge/bridge"
)

// breaches returns a fixed count, or fails.
type breaches struct {
	count int
	err   error
}

func (b breaches) Count(context.Context, string) (int, error) { return b.count, b.err }

func verdict(err error) int {
	var e *bridge.Error
	if errors.As(err, &e) && len(e.Messages) == 1 {
		return e.Messages[0].ID
	}
	if err != nil {
		return -1
	}
	return 0
}

func TestPasswordPolicy(t *testing.T) {
	offline := errors.New("offline")
	kratos := bridge.PasswordPolicy{MinLength: 8, CheckSimilarity: true}
	with := func(b breaches, most int, ignore bool) bridge.PasswordPolicy {
		p := kratos
		p.Breaches, p.MaxBreaches, p.IgnoreNetworkErrors = b, most, ignore
		return p
	}
	for _, c := range []struct {
		name     string
		policy   bridge.PasswordPolicy
		password string
		want     int
	}{
		{"empty", kratos, "", 4000002},
		{"too short", kratos, "1234567", 4000032},
		{"length counts bytes", kratos, "ääää", 0},
		{"just long enough", kratos, "xK7#mQ2v", 0},
		{"half of it is the identifier", kratos, "aliceXXXXX", 0},
		{"more than half of it is the identifier", kratos, "alice@exam", 4000031},
		{"the identifier in upper case", kratos, "ALICE@EXAMPLE.COM", 4000031},
		{"a few edits apart", kratos, "alyce@exbmple.con", 4000031},
		{"similarity is not checked", bridge.PasswordPolicy{MinLength: 8}, "alice@example.com", 0},
		{"72 bytes", kratos, strings.Repeat("xK7#mQ2v9", 8), 0},
		{"73 bytes", kratos, strings.Repeat("xK7#mQ2v9", 8) + "z", 4000033},
		{"too long and similar", kratos, "alice@example.com" + strings.Repeat("alice@example.com", 4), 4000033},
		{"never breached", with(breaches{0, nil}, 0, true), "xK7#mQ2v", 0},
		{"breached", with(breaches{1, nil}, 0, true), "xK7#mQ2v", 4000034},
		{"breached as often as allowed", with(breaches{3, nil}, 3, true), "xK7#mQ2v", 0},
		{"no response, ignored", with(breaches{0, offline}, 0, true), "xK7#mQ2v", 0},
		{"no response, not ignored", with(breaches{0, offline}, 0, false), "xK7#mQ2v", -1},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := c.policy.Check(t.Context(), []string{"alice@example.com"}, c.password)
			if got := verdict(err); got != c.want {
				t.Errorf("got %d (%v), want %d", got, err, c.want)
			}
			if err != nil && strings.Contains(err.Error(), c.password) && c.password != "" {
				t.Error("the error contains the password")
			}
		})
	}
}
