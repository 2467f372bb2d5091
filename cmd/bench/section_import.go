package main

import (
	"context"
	"fmt"
	"time"
)

// steadyPause is between two invites while an import runs or not.
const steadyPause = 50 * time.Millisecond

// measureImport compares an import with Kratos' own batch and with bare creates, and
// invites while one runs with those that have the bridge to themselves.
func measureImport(ctx context.Context, s *stage) error {
	var err error
	if s.receiver, err = s.startHelper("mail"); err != nil {
		return err
	}
	k, err := s.startKratos(ctx, cheapBcrypt, "")
	if err != nil {
		return err
	}
	b, err := s.startBridge(ctx, k, fmt.Sprintf(mailConfig, s.receiver.Address))
	if err != nil {
		return err
	}
	rate, err := s.compareImport(ctx, k, b, "")
	if err != nil {
		return err
	}
	const clients = 16
	all, err := s.compare(ctx, clients, s.bareCreate(k), s.importing(k, b, true))
	if err != nil {
		return err
	}
	s.bench.report.compare(all)
	s.bench.report.share("import with emails: CPU of the bridge for a row / CPU of Kratos and database for a bare create", all[1], all[0], 0.15)
	return s.compareDuring(ctx, k, b, rate)
}

// compareImport compares an import without emails with the batches that it consists of.
// It returns the rows a second.
func (s *stage) compareImport(ctx context.Context, k *kratosServer, b *bridgeProcess, suffix string) (rate float64, err error) {
	w := s.importing(k, b, false)
	w.name += suffix
	all, err := s.compare(ctx, 0, s.bareBatch(k), w)
	if err != nil {
		return 0, err
	}
	s.bench.report.compare(all)
	bare, imports := all[0], all[1]
	values := ratios(imports.rates(), bare.rates())
	s.bench.report.goal(w.name+" / bare batch, rows a second from the first byte of the file", "%.2f", values, least(0.85), noise(values, all...))
	values = ratios(imports.each(turn.rateUploaded), bare.rates())
	s.bench.report.goal("… from the end of the upload", "%.2f", values, limit{}, noise(values, all...))
	return median(imports.each(turn.rateUploaded)), nil
}

// compareDuring compares invites with and without an import, which makes so many rows a
// second when it is alone.
func (s *stage) compareDuring(ctx context.Context, k *kratosServer, b *bridgeProcess, rate float64) error {
	s.turn *= 3 // for more than a hundred invites
	alone, during := s.invite(k, b), s.invite(k, b)
	alone.every, during.every = steadyPause, steadyPause
	alone.name = fmt.Sprintf("invite, %d a second", time.Second/steadyPause)
	during.name = alone.name + ", during an import"
	var running *anImport
	during.begin = func() (err error) {
		running, err = s.upload(ctx, b, batchSize+int(3*rate*(s.turn+time.Second).Seconds()), false)
		if err != nil {
			return err
		}
		return during.call(ctx) // the first invite may wait for a large group
	}
	during.end = func() error { return running.cancel(ctx) }
	all, err := s.compare(ctx, 1, alone, during)
	if err != nil {
		return err
	}
	s.bench.report.compare(all)
	for _, p := range []struct {
		percent int
		goal    float64
	}{{50, 1.5}, {99, 3}} {
		late := func(t turn) float64 { return percentile(t.latencies, p.percent) }
		values := ratios(all[1].each(late), all[0].each(late))
		s.bench.report.goal(fmt.Sprintf("%s / without one: p%d", during.name, p.percent), "%.2f", values, most(p.goal), noise(values, all...))
		s.bench.report.goal("… without one", "%.1f ms", all[0].each(late), limit{}, "")
	}
	return nil
}
