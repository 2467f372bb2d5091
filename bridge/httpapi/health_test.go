package httpapi_test

import (
	"net/http"
	"strings"
	"testing"
)

func TestHealthAndVersion(t *testing.T) {
	for _, down := range []bool{false, true} {
		a := start(t)
		if down {
			a.Kratos.Down()
		}
		for _, at := range []string{a.public, a.admin} {
			if got := do(t, request(t, http.MethodGet, at+"/health/alive", nil)); got.status != http.StatusOK || string(got.body) != "{\"status\":\"ok\"}\n" {
				t.Errorf("alive: %d %s", got.status, got.body)
			}
			got := do(t, request(t, http.MethodGet, at+"/health/ready", nil))
			if down != (got.status == http.StatusServiceUnavailable) || down != strings.Contains(string(got.body), `"kratos"`) {
				t.Errorf("ready, Kratos down %v: %d %s", down, got.status, got.body)
			}
			if got := do(t, request(t, http.MethodGet, at+"/version", nil)); string(got.body) != "{\"version\":\"v0.0.0-test\"}\n" {
				t.Errorf("version: %s", got.body)
			}
		}
	}
}
