package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"invitebridge/kratos/kratostest"
)

// replicas are processes of the bridge that share a database, behind a proxy.
type replicas struct {
	all      []*process
	proxy    *proxy
	dir      string
	postgres *kratostest.Postgres
	database string // its DSN, past all proxies

	mu       sync.Mutex
	isDown   chan struct{}
	downOnce func()
	watched  map[*process]chan struct{} // what is known to have been started
}

// newReplicas prepares a number of replicas and migrates their database. dsn is how
// they reach it; empty: directly.
func newReplicas(ctx context.Context, n int, binary, config string, postgres *kratostest.Postgres, database, dsn string) (_ *replicas, err error) {
	r := &replicas{postgres: postgres, database: database, watched: make(map[*process]chan struct{})}
	if dsn == "" {
		dsn = database
	}
	if r.dir, err = os.MkdirTemp("", "invitebridge-torture-"); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			r.remove()
		}
	}()
	for range n {
		p, err := newProcess(binary, config, dsn)
		if p != nil {
			r.all = append(r.all, p)
		}
		if err != nil {
			return nil, err
		}
		p.failpoint = filepath.Join(r.dir, "failpoint")
	}
	if err := r.all[0].migrate(ctx); err != nil {
		return nil, err
	}
	r.proxy, err = newProxy(ctx, r.dir, r.all)
	return r, errors.Join(err, r.arm(""))
}

// start starts all that do not run.
func (r *replicas) start(ctx context.Context) error {
	r.mu.Lock()
	down := make(chan struct{})
	r.isDown, r.downOnce = down, sync.OnceFunc(func() { close(down) })
	r.mu.Unlock()
	var starting errgroup.Group
	for _, p := range r.all {
		if p.exited() {
			starting.Go(func() error { return p.start(ctx) })
		}
	}
	if err := starting.Wait(); err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, p := range r.all {
		ended := p.ended
		if r.watched[p] == ended {
			continue
		}
		r.watched[p] = ended
		go func() {
			<-ended
			r.mu.Lock()
			defer r.mu.Unlock()
			r.downOnce()
		}()
	}
	return nil
}

func (r *replicas) arm(point string) error { return r.all[0].arm(point) }

func (r *replicas) down() <-chan struct{} {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.isDown
}

func (r *replicas) waitKilled(within time.Duration) bool {
	select {
	case <-r.down():
		return true
	case <-time.After(within):
		return r.arm("") != nil // never: it was not reached, and nothing may reach it later
	}
}

func (r *replicas) exited() bool {
	for _, p := range r.all {
		if p.exited() {
			return true
		}
	}
	return false
}

// kill kills all at once.
func (r *replicas) kill() {
	var killing sync.WaitGroup
	for _, p := range r.all {
		if !p.exited() {
			killing.Go(p.kill)
		}
	}
	killing.Wait()
}

// files returns the logs and a dump of the database.
func (r *replicas) files(ctx context.Context) (map[string]string, error) {
	dump, err := r.postgres.Dump(ctx, r.database)
	if err != nil {
		return nil, err
	}
	name := filepath.Join(r.dir, "dump.sql")
	files := map[string]string{name: "invitation_token_created"}
	for _, p := range r.all {
		files[p.log.Name()] = `"listening"`
	}
	return files, os.WriteFile(name, dump, 0o600)
}

func (r *replicas) remove() {
	r.kill()
	if r.proxy != nil {
		r.proxy.close()
	}
	for _, p := range r.all {
		p.remove()
	}
	_ = os.RemoveAll(r.dir)
}

// newReplicaTrial returns a trial of several replicas with a database of their own.
// Through, if not nil, returns how they reach it.
func newReplicaTrial(ctx context.Context, s scenario, f fleet, subjects int, through dsnThrough) (*trial, func(), error) {
	database, err := f.postgres.NewDatabase(ctx)
	if err != nil {
		return nil, nil, err
	}
	dsn := database
	if through != nil {
		if dsn, err = through(ctx, f.postgres, database); err != nil {
			return nil, nil, err
		}
	}
	w, err := newEnvironment(ctx)
	if err != nil {
		return nil, nil, err
	}
	r, err := newReplicas(ctx, f.count, f.binary, w.config(f.kratos, s), f.postgres, database, dsn)
	if err != nil {
		w.stop()
		return nil, nil, err
	}
	t := &trial{scenario: s, bridges: r, public: r.proxy.public, admin: r.proxy.admin, env: w, kratos: f.kratos, subjects: newSubjects(subjects)}
	return t, func() { r.remove(); w.stop() }, nil
}

// fleet is what trials of several replicas have in common.
type fleet struct {
	count    int // of replicas
	binary   string
	kratos   identities
	postgres *kratostest.Postgres
}

// startFleet builds the bridge and starts what it needs. The caller calls stop.
func startFleet(ctx context.Context, o options) (f fleet, fake *kratostest.Fake, stop func(), err error) {
	f.count, f.postgres = o.replicas, o.postgres
	var removeBinary func()
	if f.binary, removeBinary, err = build(ctx); err != nil {
		return f, nil, nil, err
	}
	if fake, err = kratostest.NewFake(kratostest.FakeOptions{}); err != nil {
		removeBinary()
		return f, nil, nil, err
	}
	f.kratos = fakeIdentities(fake)
	closeOthers := func() { fake.Close(); removeBinary() }
	if f.postgres != nil {
		return f, fake, closeOthers, nil
	}
	if f.postgres, err = kratostest.StartPostgres(ctx); err != nil {
		closeOthers()
		return f, nil, nil, fmt.Errorf("starting PostgreSQL: %w", err)
	}
	return f, fake, func() { _ = f.postgres.Stop(); closeOthers() }, nil
}

// logged returns the first line of a log of the replicas that has a text.
func (t *trial) logged(text string) string {
	for _, p := range t.bridges.(*replicas).all {
		log, _ := os.ReadFile(p.log.Name())
		for line := range strings.Lines(string(log)) {
			if strings.Contains(line, text) {
				return line
			}
		}
	}
	return ""
}
