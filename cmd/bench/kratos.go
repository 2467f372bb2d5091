package main

import (
	"context"
	"fmt"
	"net/http"
	"syscall"

	"invitebridge/kratos/kratostest"
)

// kratosServer is the Kratos behind a way: a real one, or a process that answers at
// once.
type kratosServer struct {
	public, admin string
	server        *kratostest.Server // nil: it is not real
	helper        *helper            // nil: it is real
}

// courierConfig makes Kratos' courier fetch email without the default pause of a
// second after each ten.
const courierConfig = `
courier:
  smtp: { connection_uri: "smtp://%s/?disable_starttls=true", from_address: kratos@example.com }
  worker: { pull_count: 200, pull_wait: 10ms }
`

// startKratos starts a real Kratos with an empty database. If mail is not empty, its
// courier sends email to that address.
func (s *stage) startKratos(ctx context.Context, bcryptCost int, mail string) (*kratosServer, error) {
	dsn, err := s.bench.database.fresh(ctx)
	if err != nil {
		return nil, err
	}
	o := kratostest.Options{DSN: dsn, Binary: s.bench.kratos, BcryptCost: bcryptCost}
	if mail != "" {
		o.Courier, o.Config = true, fmt.Sprintf(courierConfig, mail)
	}
	server, err := kratostest.Start(ctx, o)
	if err != nil {
		return nil, err
	}
	s.atEnd(server.Stop)
	k := &kratosServer{public: server.PublicURL, admin: server.AdminURL, server: server}
	return k, repeat(ctx, s.bareCreate(k).call, population)
}

// population is how many identities Kratos has before the first turn, so that its
// database plans queries as for tables that are in use.
const population = 500

func (k *kratosServer) pid() int {
	if k.helper != nil {
		return k.helper.pid()
	}
	return k.server.PID()
}

// requests returns how many requests it has answered, without health checks and
// scrapes.
func (k *kratosServer) requests(ctx context.Context) (float64, error) {
	if k.helper != nil {
		n, err := k.helper.count(ctx)
		return float64(n), err
	}
	metrics, err := request{method: http.MethodGet, url: k.admin + "/admin/metrics/prometheus", want: http.StatusOK}.send(ctx, "")
	return scrape(metrics, "http_requests_total", "/health/", "/metrics/"), err
}

// suspend stops the process until resume, so that its courier, which polls the
// database, does not disturb other turns.
func (k *kratosServer) suspend() error { return syscall.Kill(-k.pid(), syscall.SIGSTOP) }
func (k *kratosServer) resume() error  { return syscall.Kill(-k.pid(), syscall.SIGCONT) }
