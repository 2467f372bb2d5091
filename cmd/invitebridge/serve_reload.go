package main

import (
	"context"
	"errors"
	"os"
	"os/signal"
	"syscall"
	"time"

	"invitebridge/bridge/httpapi"
	"invitebridge/config"
)

// pollInterval is how often the files are checked. Unlike file notifications,
// polling works on every file system, and through the links that container
// platforms put in front of mounted files.
const pollInterval = 2 * time.Second

// reloadSignals returns a channel of the signals that trigger a reload. From then
// on they no longer end the process; one that arrives early is kept.
func reloadSignals() (signals <-chan os.Signal, stop func()) {
	c := make(chan os.Signal, 1)
	signal.Notify(c, syscall.SIGHUP)
	return c, func() { signal.Stop(c) }
}

// loadedFrom describes the sources of a configuration before it was read.
type loadedFrom struct {
	files       []string // those that the configuration refers to
	fingerprint string
}

// load reads the configuration. The fingerprint is taken before, so a change
// while it reads is not missed. On an error, the files are the known ones.
func (s *server) load(known []string) (config.Config, loadedFrom, error) {
	before := fingerprint(s.options.Files)
	cfg, err := config.Load(s.options)
	if err == nil {
		known = cfg.Files()
	}
	return cfg, loadedFrom{known, before + fingerprint(known)}, err
}

// reloader applies configuration changes while the bridge runs. If the new
// configuration has problems, none of it is applied.
type reloader struct {
	*server
	current   config.Config
	last      loadedFrom // valid or not
	delivery  *delivery
	api       *httpapi.API
	listeners listeners
}

// run reloads on SIGHUP and when files change, until ctx ends.
func (r *reloader) run(ctx context.Context) {
	ticker := time.NewTicker(pollInterval)
	defer ticker.Stop()
	seen := r.last.fingerprint
	for {
		select {
		case <-r.reloadSignal:
			r.reload()
		case <-ticker.C:
			now := fingerprint(r.options.Files) + fingerprint(r.last.files)
			// Wait until the files have settled: they may still be being written.
			if now != r.last.fingerprint && now == seen {
				r.reload()
			}
			seen = now
		case <-ctx.Done():
			return
		}
	}
}

// reload reads everything again: a file with the same name may have new content.
func (r *reloader) reload() {
	changed, needsRestart, err := r.apply()
	r.instrumentation.metrics.Reload(err == nil)
	if err != nil {
		r.log.Error("configuration not reloaded: it has problems, and the previous one stays in effect", "cause", err.Error())
		return
	}
	r.log.Info("configuration reloaded", "changed", changed)
	if len(needsRestart) > 0 {
		r.log.Warn("some configuration changes take effect only after a restart", "keys", needsRestart)
	}
}

// apply prepares every part before it changes any.
func (r *reloader) apply() (changed, needsRestart []string, err error) {
	before := r.last.fingerprint
	var next config.Config
	if next, r.last, err = r.load(r.last.files); err != nil {
		return nil, nil, err
	}
	if r.devDefaults != nil {
		r.devDefaults(&next)
	}
	next, changed, needsRestart = r.current.ApplyReloadable(next)
	if len(changed) == 0 && r.last.fingerprint != before {
		changed = []string{"content of files"}
	}
	senders, err := newSenders(next, r.courier, r.instrumentation.sender)
	page, pageErr := newPage(next)
	installPublic, publicErr := r.listeners.public.loadCertificate(next.Serve.Public.TLS)
	installAdmin, adminErr := r.listeners.admin.loadCertificate(next.Serve.Admin.TLS)
	if err := errors.Join(err, pageErr, publicErr, adminErr); err != nil {
		return nil, nil, err
	}
	installPublic()
	installAdmin()
	r.delivery.setSenders(senders)
	r.api.SetPage(page)
	r.api.SetAPIKeys(apiKeys(next))
	r.level.Set(next.Log.SlogLevel())
	r.current = next
	return changed, needsRestart, nil
}
