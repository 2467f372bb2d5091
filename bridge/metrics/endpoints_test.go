package metrics

import (
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus/testutil"

	"invitebridge/bridge"
)

// TestCollectEndpoints: each scrape reports the current endpoints.
func TestCollectEndpoints(t *testing.T) {
	m := New("v1")
	var list []bridge.Endpoint
	m.CollectEndpoints(func() []bridge.Endpoint { return list })
	for _, c := range []struct {
		list []bridge.Endpoint
		want string
	}{
		{nil, ""},
		{[]bridge.Endpoint{{ID: "courier", State: bridge.EndpointEnabled}, {ID: "crm", State: bridge.EndpointDisabled}}, `
			# HELP invitebridge_outbox_endpoint_disabled 1 if the endpoint is disabled because its receiver answered 410; else 0.
			# TYPE invitebridge_outbox_endpoint_disabled gauge
			invitebridge_outbox_endpoint_disabled{endpoint="courier"} 0
			invitebridge_outbox_endpoint_disabled{endpoint="crm"} 1
		`},
	} {
		list = c.list
		if err := testutil.GatherAndCompare(m.registry, strings.NewReader(c.want), "invitebridge_outbox_endpoint_disabled"); err != nil {
			t.Error(err)
		}
	}
}
