package webhook

import "testing"

// A proxy dials in place of the bridge, which then cannot check the address. The
// test reads the field because the environment is read only once per process.
func TestGuardedHooksUseNoProxy(t *testing.T) {
	p := newTransports()
	if p.publicOnly.Proxy != nil {
		t.Error("restricted hooks would use a proxy")
	}
	if p.unrestricted.Proxy == nil {
		t.Error("unrestricted hooks would not use a proxy, unlike Kratos")
	}
}
