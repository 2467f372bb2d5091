package webhook_test

import (
	"net"
	"net/http"
	"strings"
	"testing"

	"invitebridge/bridge"
	"invitebridge/bridge/webhook"
)

// guarded returns Webhooks with one hook that must not use private addresses.
func guarded(t *testing.T, target string, exceptions ...string) *webhook.Webhooks {
	t.Helper()
	return mustNew(t, webhook.Config{
		Hooks:                   []webhook.Hook{{ID: "crm", Events: []bridge.Event{bridge.EventTokenCreated}, URL: target, Timeout: longTimeout}},
		DisallowPrivateIPRanges: true,
		PrivateIPExceptionURLs:  exceptions,
	})
}

func TestPrivateAddressesAreRefusedAtDialTime(t *testing.T) {
	hosts := []string{
		"127.0.0.1", "127.255.255.254", "0.0.0.0", "10.1.2.3", "172.16.0.1", "172.31.255.255", "192.168.1.1",
		"169.254.1.1", "169.254.169.254", "100.64.0.1", "100.127.255.255", "192.0.0.1", "198.18.0.1", "224.0.0.1",
		"240.0.0.1", "255.255.255.255", "localhost", "LOCALHOST",
	}
	if probe, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp6", "[::1]:0"); err == nil {
		_ = probe.Close()
		hosts = append(hosts,
			"[::1]", "[::]", "[fe80::1]", "[fc00::1]", "[fd00:ec2::254]", "[ff02::1]",
			"[64:ff9b::7f00:1]", "[64:ff9b::a9fe:a9fe]", "[64:ff9b:1::a00:1]", "[2002:7f00:1::1]", "[2001:0:7f00:1::1]", "[2001:db8::1]")
	}
	hosts = append(hosts, "[::ffff:127.0.0.1]", "[::ffff:a9fe:a9fe]", "[::ffff:10.0.0.1]")
	for _, host := range hosts {
		for _, scheme := range []string{"http://", "https://"} {
			result := guarded(t, scheme+host+":8080/hook").Send(t.Context(), dispatch(bridge.EventTokenCreated))
			if result.Outcome != bridge.AttemptRetry || !strings.Contains(result.Detail, "disallow_private_ip_ranges") {
				t.Errorf("%s%s: got %+v", scheme, host, result)
			}
		}
	}
}

// TestSpellingsOfLoopback: the resolver may take these for names or reject them;
// none may reach the loopback interface.
func TestSpellingsOfLoopback(t *testing.T) {
	r := newReceiver(t, status(http.StatusOK))
	_, port, _ := net.SplitHostPort(r.Listener.Addr().String())
	for _, host := range []string{"127.1", "2130706433", "0x7f000001", "0177.0.0.1", "localhost.", "[::ffff:7f00:1]"} {
		w, err := webhook.New(webhook.Config{
			Hooks:                   []webhook.Hook{{ID: "crm", Events: []bridge.Event{bridge.EventTokenCreated}, URL: "http://" + host + ":" + port, Timeout: longTimeout}},
			DisallowPrivateIPRanges: true,
		})
		if err != nil {
			continue
		}
		defer w.Close()
		if result := w.Send(t.Context(), dispatch(bridge.EventTokenCreated)); result.Outcome == bridge.AttemptSent {
			t.Errorf("%s: got %+v", host, result)
		}
	}
	if n := len(r.got()); n != 0 {
		t.Errorf("%d requests arrived", n)
	}
}

func TestExceptionsAreExactURLs(t *testing.T) {
	r := newReceiver(t, status(http.StatusOK))
	other := newReceiver(t, status(http.StatusOK))
	for name, c := range map[string]struct {
		target, exception string
		want              bridge.AttemptOutcome
	}{
		"the same":          {r.URL + "/hook", r.URL + "/hook", bridge.AttemptSent},
		"query ignored":     {r.URL + "/hook?key=1", r.URL + "/hook", bridge.AttemptSent},
		"another path":      {r.URL + "/other", r.URL + "/hook", bridge.AttemptRetry},
		"below it":          {r.URL + "/hook/sub", r.URL + "/hook", bridge.AttemptRetry},
		"another port":      {other.URL + "/hook", r.URL + "/hook", bridge.AttemptRetry},
		"another host name": {strings.Replace(r.URL, "127.0.0.1", "localhost", 1), r.URL, bridge.AttemptRetry},
	} {
		t.Run(name, func(t *testing.T) {
			if result := guarded(t, c.target, c.exception).Send(t.Context(), dispatch(bridge.EventTokenCreated)); result.Outcome != c.want {
				t.Errorf("got %+v", result)
			}
		})
	}
}

func TestExemptConnectionsAreNotShared(t *testing.T) {
	r := newReceiver(t, status(http.StatusOK))
	hook := func(id, path string) webhook.Hook {
		return webhook.Hook{ID: id, Events: []bridge.Event{bridge.EventTokenCreated}, URL: r.URL + path, Timeout: longTimeout}
	}
	w := mustNew(t, webhook.Config{
		Hooks: []webhook.Hook{hook("crm", "/in"), hook("other", "/out")}, DisallowPrivateIPRanges: true,
		PrivateIPExceptionURLs: []string{r.URL + "/in"},
	})
	d := dispatch(bridge.EventTokenCreated)
	if result := w.Send(t.Context(), d); result.Outcome != bridge.AttemptSent {
		t.Fatalf("got %+v", result)
	}
	d.Endpoint = "other"
	if result := w.Send(t.Context(), d); result.Outcome != bridge.AttemptRetry {
		t.Errorf("got %+v", result)
	}
}
