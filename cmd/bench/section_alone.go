package main

import "context"

// startAnswering starts a Kratos that answers at once.
func (s *stage) startAnswering() (*kratosServer, error) {
	h, err := s.startHelper("kratos")
	if err != nil {
		return nil, err
	}
	return &kratosServer{public: "http://" + h.Address, admin: "http://" + h.Address, helper: h}, nil
}

// measureAlone measures what the bridge could do if Kratos took no time.
func measureAlone(ctx context.Context, s *stage) error {
	k, err := s.startAnswering()
	if err != nil {
		return err
	}
	b, err := s.startBridge(ctx, k, "")
	if err != nil {
		return err
	}
	for _, clients := range clientCounts {
		all, err := s.compare(ctx, clients, s.bareCreate(k), s.invite(k, b))
		if err != nil {
			return err
		}
		s.bench.report.compare(all)
		if clients == 16 {
			rates := all[1].rates()
			slow := all[1].each(func(t turn) float64 { return percentile(t.latencies, 99) })
			s.bench.report.goal("invites a second, with a Kratos that answers at once, 16 at once", "%.0f", rates, least(1500), noise(rates, all...))
			s.bench.report.goal("… 99 % of them take at most", "%.0f ms", slow, most(50), noise(rates, all...))
		}
	}
	return nil
}
