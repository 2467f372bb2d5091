package mail

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"invitebridge/bridge"
)

// BenchmarkCompose measures an email without its delivery.
func BenchmarkCompose(b *testing.B) {
	m, err := offlineMailer()
	if err != nil {
		b.Fatal(err)
	}
	d, w := invitation(), new(workspace)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := m.compose(w, d); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkSend measures an email with its delivery to a server in this process,
// whose part is in the result. Eight at once is what the bridge sends.
func BenchmarkSend(b *testing.B) {
	for _, server := range []struct {
		name   string
		server *smtpd
		uri    string
	}{
		{"clear", &smtpd{noTLS: true}, "smtp://HOST/?disable_starttls=true"},
		{"STARTTLS and login", &smtpd{mechanisms: []string{"PLAIN"}}, "smtp://" + credentials + "@HOST/"},
	} {
		for _, concurrency := range []int{1, 8} {
			b.Run(fmt.Sprintf("%s/%d at once", server.name, concurrency), func(b *testing.B) {
				s := server.server.start(b)
				m := newMailer(b, strings.Replace(server.uri, "HOST", s.addr, 1), s.roots)
				d := invitation()
				jobs := make(chan struct{})
				var group sync.WaitGroup
				for range concurrency {
					group.Go(func() {
						for range jobs {
							if result := m.Send(b.Context(), d); result.Outcome != bridge.AttemptSent {
								b.Errorf("got %+v", result)
							}
						}
					})
				}
				b.ReportAllocs()
				for b.Loop() {
					jobs <- struct{}{}
				}
				close(jobs)
				group.Wait()
			})
		}
	}
}
