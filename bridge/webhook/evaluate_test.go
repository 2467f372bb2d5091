package webhook

import (
	"context"
	"encoding/base64"
	"errors"
	"testing"
	"time"
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
	// Nothing here but the context ends this: the calls are few, and slow.
	tmpl := compile(t, `function(ctx) std.foldl(function(a, i) a + std.length(std.range(1, 20000)), std.range(1, 15000), 0)`)
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	begun := time.Now()
	if _, err := tmpl.render(ctx, []byte(`{}`)); !errors.Is(err, errSlowTemplate) {
		t.Errorf("got %v", err)
	}
	if took := time.Since(begun); took > time.Second {
		t.Errorf("took %s", took)
	}
	// All slots can be taken again only if the evaluation has ended.
	timeout := time.After(5 * time.Second)
	for range maxEvaluations {
		select {
		case tmpl.slots <- struct{}{}:
		case <-timeout:
			t.Fatal("the evaluation goes on")
		}
	}
	if _, err := tmpl.render(ctx, []byte(`{}`)); !errors.Is(err, errSlowTemplate) {
		t.Errorf("without a slot: got %v", err)
	}
}
