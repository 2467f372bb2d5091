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

const (
	bytesPerPending = 1800 // of the store, roughly
	maxGrowth       = 1.2  // of the time of an operation, compared with an empty store
	maxOpening      = 1000 // milliseconds
)

// measureSize compares a bridge with many pending invitations with one that has none.
func measureSize(ctx context.Context, s *stage) error {
	n := s.bench.options.pending
	if err := s.checkDisk(n); err != nil {
		return err
	}
	small, large, err := s.fillStores(ctx, n)
	if err != nil {
		return err
	}
	r := &s.bench.report
	r.size("expiring 100 invitations", small.expire, large.expire)
	r.size("opening the store", small.open, large.open)
	r.goal(fmt.Sprintf("opening a store with %d pending invitations", n), "%.0f ms", []float64{large.open}, most(maxOpening), "")
	k, err := s.startKratos(ctx, cheapBcrypt, "")
	if err != nil {
		return err
	}
	for _, f := range []*filled{small, large} {
		if f.bridge, err = s.startBridgeOn(ctx, k, f.path, ""); err != nil {
			return err
		}
		if err := f.prepare(ctx, s); err != nil {
			return err
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
		ways := []*way{operation.way(small), operation.way(large)}
		ways[0].name, ways[1].name = operation.name+", empty store", fmt.Sprintf("%s, %d pending", operation.name, n)
		all, err := s.compare(ctx, 1, ways...)
		if err != nil {
			return err
		}
		r.compare(all)
		r.size(operation.name, 1000/median(all[0].rates()), 1000/median(all[1].rates()))
		r.growth(fmt.Sprintf("%s: time with %d pending / with none", operation.name, n), all[1], all[0], maxGrowth)
	}
	return s.measureBackup(ctx, small, large)
}

// checkDisk returns an error unless there is room for a store of n invitations.
func (s *stage) checkDisk(n int) error {
	need := uint64(n) * bytesPerPending * 5 / 4
	s.bench.progress("a store with %d pending invitations needs up to %.1f GB in %s", n, float64(need)/giga, s.bench.dir)
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
		s.bench.progress("backup of %s", f.path)
		begin := time.Now()
		backup := request{method: http.MethodGet, url: f.bridge.admin + base + "/backup", key: apiKey, want: http.StatusOK}
		if err := backup.exchange(ctx, "", io.Discard); err != nil {
			return err
		}
		took[i] = time.Since(begin).Seconds() * 1000
		info, err := os.Stat(f.path)
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
