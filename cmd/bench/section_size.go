package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"sync/atomic"
	"syscall"
	"time"
)

const maxOpening = 1000 // milliseconds

// measureSize compares a bridge with many pending invitations in a file with one that
// has none.
func measureSize(ctx context.Context, s *stage) error {
	small, large, err := s.compareSizes(ctx, inFile)
	if err != nil {
		return err
	}
	what := fmt.Sprintf("opening a store with %d pending invitations", s.bench.options.pending)
	s.bench.report.goal(what, "%.0f ms", []float64{large.open}, most(maxOpening), "")
	return s.measureBackup(ctx, small, large)
}

// compareSizes makes two stores, one with many pending invitations and one with none,
// and compares their bridges.
func (s *stage) compareSizes(ctx context.Context, where keeper) (small, large *filled, err error) {
	n := s.bench.options.pending
	if err := s.checkDisk(uint64(n) * where.bytesPerPending * 5 / 4); err != nil {
		return nil, nil, err
	}
	if small, large, err = s.fillStores(ctx, where, n); err != nil {
		return nil, nil, err
	}
	r := &s.bench.report
	r.size("expiring 100 invitations"+where.suffix, small.expire, large.expire)
	r.size("opening the store"+where.suffix, small.open, large.open)
	k, err := s.startKratos(ctx, cheapBcrypt, "")
	if err != nil {
		return nil, nil, err
	}
	for _, f := range []*filled{small, large} {
		if f.bridge, err = s.startBridgeOn(ctx, k, f.dsn, ""); err != nil {
			return nil, nil, err
		}
		if err := f.prepare(ctx, s); err != nil {
			return nil, nil, err
		}
	}
	for _, operation := range []struct {
		name string
		way  func(*filled) *way
	}{
		{"invite", func(f *filled) *way { return s.invite(k, f.bridge) }},
		{"preview of a token", (*filled).preview},
		{"page of 100", (*filled).page},
	} {
		name := operation.name + where.suffix
		ways := []*way{operation.way(small), operation.way(large)}
		ways[0].name, ways[1].name = name+", empty store", fmt.Sprintf("%s, %d pending", name, n)
		all, err := s.compare(ctx, 1, ways...)
		if err != nil {
			return nil, nil, err
		}
		r.compare(all)
		r.size(name, 1000/median(all[0].rates()), 1000/median(all[1].rates()))
		r.growth(fmt.Sprintf("%s: time with %d pending / with none", name, n), all[1], all[0], where.maxGrowth)
	}
	return small, large, nil
}

// checkDisk returns an error unless so many bytes are free.
func (s *stage) checkDisk(need uint64) error {
	s.bench.progress("the stores need up to %.1f GB in %s", float64(need)/giga, os.TempDir())
	var disk syscall.Statfs_t
	if err := syscall.Statfs(s.bench.dir, &disk); err != nil {
		return err
	}
	if free := disk.Bavail * uint64(disk.Bsize); free < need {
		return fmt.Errorf("%.1f GB are free in %s: name a larger disk by TMPDIR, or fewer invitations by -pending", float64(free)/giga, os.TempDir())
	}
	return nil
}

func (s *stage) measureBackup(ctx context.Context, stores ...*filled) error {
	var took [2]float64
	for i, f := range stores {
		s.bench.progress("backup of the %s", f.name)
		begin := time.Now()
		backup := request{method: http.MethodGet, url: f.bridge.admin + base + "/backup", key: apiKey, want: http.StatusOK}
		if err := backup.exchange(ctx, "", io.Discard); err != nil {
			return err
		}
		took[i] = time.Since(begin).Seconds() * 1000
		info, err := os.Stat(storeFile(f.dsn))
		if err != nil {
			return err
		}
		memory, err := anonymousMemory(f.bridge.pid())
		if err != nil {
			return err
		}
		s.bench.report.stores = append(s.bench.report.stores, row(f.name, fmt.Sprintf("%.3f GB", float64(info.Size())/giga), megabytes(memory)))
	}
	s.bench.report.size("backup, to nowhere", took[0], took[1])
	return nil
}

// preview looks at tokens in turn.
func (f *filled) preview() *way {
	var next atomic.Int64
	return &way{bridge: f.bridge, call: func(ctx context.Context) error {
		token := f.tokens[int(next.Add(1))%len(f.tokens)]
		_, err := request{method: http.MethodGet, url: f.bridge.public + base + "/" + token, want: http.StatusOK}.send(ctx, "")
		return err
	}}
}

func (f *filled) page() *way {
	list := request{method: http.MethodGet, url: f.bridge.admin + base + "/?state=pending&page_size=100", key: apiKey, want: http.StatusOK}
	return &way{bridge: f.bridge, call: func(ctx context.Context) error {
		_, err := list.send(ctx, "")
		return err
	}}
}
