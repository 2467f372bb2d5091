package webhook

import "testing"

// A proxy dials for us, and what it dials nobody here can judge. The test looks
// at the field because the environment is read only once in a process.
func TestGuardedHooksUseNoProxy(t *testing.T) {
	p := newPools()
	if p.guarded.Proxy != nil {
		t.Error("guarded hooks would ask a proxy")
	}
	if p.open.Proxy == nil {
		t.Error("the others would not, unlike Kratos")
	}
}
