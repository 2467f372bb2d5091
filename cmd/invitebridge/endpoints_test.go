package main

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// TestDisabledEndpoint: a receiver answers 410. API, metric and doctor show the
// endpoint as disabled, and a reload that does not change the hook does not enable
// it.
func TestDisabledEndpoint(t *testing.T) {
	former, latter := newHookReceiver(t), newHookReceiver(t)
	former.Answer(func(_ hookEvent, w http.ResponseWriter) bool { w.WriteHeader(http.StatusGone); return true })
	lines := func(level, url string) string {
		return fmt.Sprintf("log: { level: %s }\nhooks: [ { id: crm, url: '%s', secrets: [ '%s' ], events: [ invitation_token_created ] } ]", level, url, hookSecret)
	}
	b := startFakeBridge(t, lines("info", former.URL))
	p := newExaminedBridge(b)
	shown := func(state, metric, verdict string) {
		t.Helper()
		list := b.call(http.MethodGet, b.admin+base+"/endpoints", nil, "Authorization", "Bearer "+key)
		if want := fmt.Sprintf(`[{"id":"crm","state":%q`, state); list.status != http.StatusOK || !strings.HasPrefix(list.text, want) {
			t.Errorf("%d %s, want %s", list.status, list.text, want)
		}
		measured := b.call(http.MethodGet, b.admin+"/metrics/prometheus", nil, "Authorization", "Bearer "+key)
		if want := `invitebridge_outbox_endpoint_disabled{endpoint="crm"} ` + metric; !strings.Contains(measured.text, want) {
			t.Errorf("missing metric: %s", want)
		}
		_, findings, _ := p.doctor(nil)
		found := findingsOf(findings, "endpoints")
		if len(found) != 1 || found[0].Verdict != verdict {
			t.Fatalf("doctor: %+v", found)
		}
		if verdict == verdictProblem && (!strings.Contains(found[0].Message, "crm has been disabled since 20") || !strings.Contains(found[0].Advice, "enable endpoint crm")) {
			t.Errorf("doctor: %+v", found)
		}
	}
	shown("enabled", "0", verdictOK)
	b.invite(object{"email": "one@example.com"})
	eventually(t, func() bool {
		return strings.Contains(b.log.String(), "message failed, endpoint disabled: its receiver responded with status 410")
	})
	shown("disabled", "1", verdictProblem)

	b.change(reloaded, lines("debug", former.URL))
	shown("disabled", "1", verdictProblem)
	b.change(reloaded, lines("debug", latter.URL))
	shown("enabled", "0", verdictOK)
	b.invite(object{"email": "two@example.com"})
	latter.await("invitation_token_created", "two@example.com")

	if _, findings, _ := p.doctor([]string{envAPIKey + "="}); len(findingsOf(findings, "endpoints")) != 0 {
		t.Error("doctor reports endpoints without access to the bridge")
	}
	_, findings, _ := p.doctor([]string{envAdminURL + "=" + closedAddress(t)})
	if found := findingsOf(findings, "endpoints"); len(found) != 1 || found[0].Verdict != verdictWarning {
		t.Errorf("no bridge: %+v", found)
	}
}
