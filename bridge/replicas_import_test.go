package bridge_test

import (
	"testing"

	"invitebridge/bridge"
	"invitebridge/bridge/bridgetest"
)

// TestReplicasImport: replicas share an import, and each row has one invitation.
func TestReplicasImport(t *testing.T) {
	first, second := replicas(t)
	i := startImport(t, first, bridge.ImportRequest{}, addresses(300)...)
	runBeside(t, []*bridgetest.Harness{first, second, first, second})
	if i = importOf(t, second, i.ID); i.State != bridge.ImportFinished {
		t.Errorf("%+v", i)
	}
	wantOnce(t, first, 300)
}
