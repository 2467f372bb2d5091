package main

import (
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"invitebridge/kratos/kratostest"
)

// BenchmarkCost measures what the bridge adds to Kratos: in one run against one
// real Kratos, calls through the bridge over the same work done by bare calls of
// the admin API. The two take turns, so that whatever else the machine does
// hits both alike. The ratios are what counts; 1.0 would be free.
func BenchmarkCost(b *testing.B) {
	for _, cost := range []int{12, 8} { // Kratos' default, and a weak one
		kratos, err := kratostest.Start(b.Context(), kratostest.Options{BcryptCost: cost})
		if err != nil {
			b.Fatal(err)
		}
		m := meter{b: b, kratos: kratos, bridge: startBridge(b, kratos)}
		for _, clients := range []int{1, 16} {
			if cost == 12 { // inviting hashes nothing
				b.Run(fmt.Sprintf("invite/clients=%d", clients), func(b *testing.B) {
					m.compare(b, clients, 400, m.bareCreate, m.invite)
				})
			}
			b.Run(fmt.Sprintf("accept/bcrypt=%d/clients=%d", cost, clients), func(b *testing.B) {
				m.compare(b, clients, 40*(1+(12-cost)), m.barePut, m.accept)
			})
		}
		if code := m.bridge.stop(); code != exitOK {
			b.Fatalf("exit code %d", code)
		}
		if err := kratos.Stop(); err != nil {
			b.Fatal(err)
		}
	}
}

type meter struct {
	b      *testing.B
	kratos *kratostest.Server
	bridge *running
	serial atomic.Int64
}

// work prepares one call, and gives it.
type work func() (call func() error)

const rounds = 5

// compare runs n calls of each kind in each round, and reports the rates.
func (m *meter) compare(b *testing.B, clients, n int, bare, bridged work) {
	for b.Loop() {
		var took [2]time.Duration
		for range rounds {
			for kind, prepare := range []work{bare, bridged} {
				calls := make(chan func() error, n)
				for range n {
					calls <- prepare()
				}
				close(calls)
				took[kind] += m.drain(calls, clients)
			}
		}
		rate := func(d time.Duration) float64 { return rounds * float64(n) / d.Seconds() }
		b.ReportMetric(rate(took[0]), "bare/s")
		b.ReportMetric(rate(took[1]), "bridge/s")
		b.ReportMetric(rate(took[1])/rate(took[0]), "ratio")
	}
	b.ReportMetric(0, "ns/op") // says nothing here
}

func (m *meter) drain(calls <-chan func() error, clients int) time.Duration {
	var wg sync.WaitGroup
	begin := time.Now()
	for range clients {
		wg.Go(func() {
			for call := range calls {
				if err := call(); err != nil {
					m.b.Error(err)
				}
			}
		})
	}
	wg.Wait()
	return time.Since(begin)
}

func (m *meter) email() string { return fmt.Sprintf("bench%d@example.com", m.serial.Add(1)) }

// expect sends a request and checks the status.
func (m *meter) expect(status int, method, url string, body object, headers ...string) (answer, error) {
	a, err := send(m.b.Context(), method, url, body, headers...)
	if err == nil && a.status != status {
		err = fmt.Errorf("%s: %d %s", method, a.status, a.text)
	}
	return a, err
}

func (m *meter) bareCreate() func() error {
	body := object{"schema_id": "default", "state": "inactive", "traits": object{"email": m.email()}}
	return func() error {
		_, err := m.expect(http.StatusCreated, http.MethodPost, m.kratos.AdminURL+"/admin/identities", body)
		return err
	}
}

func (m *meter) invite() func() error {
	body := object{"email": m.email()}
	return func() error {
		_, err := m.expect(http.StatusCreated, http.MethodPost, m.bridge.admin+base+"/", body, "Authorization", "Bearer "+key)
		return err
	}
}

func (m *meter) barePut() func() error {
	email := m.email()
	id, err := m.kratos.Create(m.b.Context(), fmt.Sprintf(`{"schema_id":"default","state":"inactive","traits":{"email":%q}}`, email))
	if err != nil {
		m.b.Fatal(err)
	}
	url := m.kratos.AdminURL + "/admin/identities/" + id.String()
	body := object{
		"schema_id": "default", "state": "active", "traits": object{"email": email},
		"credentials": object{"password": object{"config": object{"password": password}}},
	}
	return func() error {
		_, err := m.expect(http.StatusOK, http.MethodPut, url, body)
		return err
	}
}

func (m *meter) accept() func() error {
	a, err := m.expect(http.StatusCreated, http.MethodPost, m.bridge.admin+base+"/", object{"email": m.email()}, "Authorization", "Bearer "+key)
	if err != nil {
		m.b.Fatal(err)
	}
	url := m.bridge.public + base + "/" + token(a.body)
	return func() error {
		_, err := m.expect(http.StatusOK, http.MethodPost, url, object{"password": password})
		return err
	}
}
