package main

import (
	"net/http"
	"testing"

	"invitebridge/kratos/kratostest"
)

// TestStopLetsRequestsFinish: on shutdown during an acceptance, the bridge
// finishes it and responds before it exits.
func TestStopLetsRequestsFinish(t *testing.T) {
	kratos, err := kratostest.NewFake(kratostest.FakeOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(kratos.Close)
	b := startBridge(t, &kratostest.Server{PublicURL: kratos.URL, AdminURL: kratos.URL})
	issued := b.invite(object{"email": "ada@example.com"})
	arrived, release := make(chan struct{}), make(chan struct{})
	kratos.Inject(kratostest.Fault{Method: http.MethodPut, Arrived: func() { close(arrived) }, Hold: release})

	accepted := make(chan answer, 1)
	go func() {
		a, err := send(t.Context(), http.MethodPost, b.public+base+"/"+token(issued), object{"password": password})
		if err != nil {
			t.Error(err)
		}
		accepted <- a
	}()
	<-arrived
	stopped := make(chan int, 1)
	go func() { stopped <- b.stop() }()
	// Until the listener is closed, new requests may still be served.
	for {
		if _, err := send(t.Context(), http.MethodGet, b.public+"/health/alive", nil); err != nil {
			break
		}
	}
	close(release)
	if a := <-accepted; a.status != http.StatusOK {
		t.Errorf("%d %s", a.status, a.text)
	}
	if code := <-stopped; code != exitOK {
		t.Errorf("exit code %d", code)
	}
}
