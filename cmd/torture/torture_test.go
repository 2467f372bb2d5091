package main

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"invitebridge/bridge/testenv"
)

// slowReason is why tests are skipped with -short.
const slowReason = "bridge processes that can be killed"

func TestHoldsAny(t *testing.T) {
	secrets := []string{"Pass-one", "Pass-one-and-more", "a-token-of-some-length"}
	for text, want := range map[string]bool{
		"": false, "Pass": false, "Pass-one": true, "\x00\xffPass-one-and": true, "Pass-on": false,
		"a-token-of-some-lengt": false, "xa-token-of-some-lengthx": true, "a-token-a-token-of-some-length": true,
	} {
		if got := holdsAny([]byte(text), secrets); got != want {
			t.Errorf("%q: %v", text, got)
		}
	}
}

// TestKratosKilled kills the fake Kratos at some requests of an import: the batch, its
// repetition without those that exist, and a write.
func TestKratosKilled(t *testing.T) {
	testenv.SkipIfShort(t, slowReason)
	t.Parallel()
	var out strings.Builder
	err := killKratos(t.Context(), options{
		kills: 2, parallel: 6, slack: int(testenv.Limit / responseLimit), only: regexp.MustCompile(`request(1|3|14)\.`), out: &out,
	})
	t.Log("\n" + out.String())
	if err != nil {
		t.Error(err)
	}
}

// TestTorture kills the bridge a few times at every failpoint, with the fake Kratos.
func TestTorture(t *testing.T) {
	testenv.SkipIfShort(t, slowReason)
	t.Parallel()
	kills := 3
	if os.Getenv("CI") == "true" {
		kills = 5
	}
	var out strings.Builder
	err := torture(t.Context(), options{kills: kills, short: true, parallel: 32, slack: int(testenv.Limit / responseLimit), only: regexp.MustCompile(""), out: &out})
	t.Log("\n" + out.String())
	if err != nil {
		t.Error(err)
	}
}
