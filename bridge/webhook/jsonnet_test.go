package webhook

import (
	"context"
	"encoding/base64"
	"errors"
	"testing"
	"time"

	"invitebridge/bridge/testenv"
)

func compile(t *testing.T, source string) *template {
	t.Helper()
	tmpl, err := loadTemplate("base64://" + base64.StdEncoding.EncodeToString([]byte(source)))
	if err != nil {
		t.Fatal(err)
	}
	return tmpl
}

func TestRenderEndsWithItsContext(t *testing.T) {
	// Only the context ends this evaluation: its calls are few and slow.
	tmpl := compile(t, `function(ctx) std.foldl(function(a, i) a + std.length(std.range(1, 20000)), std.range(1, 15000), 0)`)
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if _, err := tmpl.render(ctx, []byte(`{}`)); !errors.Is(err, errSlowTemplate) {
		t.Errorf("got %v", err)
	}
	// All slots are free again only once the evaluation has ended.
	timeout := time.After(testenv.Limit)
	for range maxEvaluations {
		select {
		case tmpl.slots <- struct{}{}:
		case <-timeout:
			t.Fatal("the evaluation has not ended")
		}
	}
	if _, err := tmpl.render(ctx, []byte(`{}`)); !errors.Is(err, errSlowTemplate) {
		t.Errorf("without a slot: got %v", err)
	}
}
