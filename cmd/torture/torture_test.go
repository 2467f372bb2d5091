package main

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// TestTorture is the short form: every arrow, against the fake Kratos.
func TestTorture(t *testing.T) {
	kills := 3
	if os.Getenv("CI") == "true" {
		kills = 20
	}
	var out strings.Builder
	err := torture(t.Context(), options{kills: kills, parallel: 48, slack: 6, only: regexp.MustCompile(""), out: &out})
	t.Log("\n" + out.String())
	if err != nil {
		t.Error(err)
	}
}
