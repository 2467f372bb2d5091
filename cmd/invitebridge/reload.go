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

// watchEvery is how often the files are looked at. Looking beats being told:
// it works on every file system, and through the links that a container
// platform puts in front of what it mounts.
const watchEvery = 2 * time.Second

// hangups are the signals that have the configuration read anew. From here on
// they do not end the process; one that came early is kept.
func hangups() (signals <-chan os.Signal, stop func()) {
	c := make(chan os.Signal, 1)
	signal.Notify(c, syscall.SIGHUP)
	return c, func() { signal.Stop(c) }
}

// reading is what a configuration was read from, and how that looked before.
type reading struct {
	files []string // those that the configuration names
	print string
}

// load reads the configuration. A change that comes meanwhile makes another
// print, and so is not missed. Where there is an error, the files are those
// that were known before.
func (s *server) load(known []string) (config.Config, reading, error) {
	before := fingerprint(s.options.Files)
	cfg, err := config.Load(s.options)
	if err == nil {
		known = cfg.Files()
	}
	return cfg, reading{known, before + fingerprint(known)}, err
}

// reloader takes over what changes in the configuration while the bridge runs.
// If the new one has problems, the last good one stays whole.
type reloader struct {
	*server
	current   config.Config
	last      reading // good or not
	delivery  *delivery
	api       *httpapi.API
	listeners listeners
}

// run watches the files, and for SIGHUP, until ctx ends.
func (r *reloader) run(ctx context.Context) {
	ticker := time.NewTicker(watchEvery)
	defer ticker.Stop()
	seen := r.last.print
	for {
		select {
		case <-r.hangup:
			r.reload()
		case <-ticker.C:
			now := fingerprint(r.options.Files) + fingerprint(r.last.files)
			// Who is still writing is given time to end.
			if now != r.last.print && now == seen {
				r.reload()
			}
			seen = now
		case <-ctx.Done():
			return
		}
	}
}

// reload reads everything anew: that a file's name stayed does not mean that
// its content did.
func (r *reloader) reload() {
	changed, waiting, err := r.takeOver()
	r.watching.metrics.Reload(err == nil)
	if err != nil {
		r.log.Error("the configuration has problems and the last good one stays", "cause", err.Error())
		return
	}
	r.log.Info("configuration reloaded", "changed", changed)
	if len(waiting) > 0 {
		r.log.Warn("some changes of the configuration wait for a restart", "keys", waiting)
	}
}

// takeOver prepares all there is before it changes anything.
func (r *reloader) takeOver() (changed, waiting []string, err error) {
	before := r.last.print
	var next config.Config
	if next, r.last, err = r.load(r.last.files); err != nil {
		return nil, nil, err
	}
	if r.invent != nil {
		r.invent(&next)
	}
	next, changed, waiting = r.current.Reload(next)
	if len(changed) == 0 && r.last.print != before {
		changed = []string{"the content of files"}
	}
	senders, err := r.newSenders(next)
	shown, pageErr := newPage(next)
	public, publicErr := r.listeners.public.prepare(next.Serve.Public.TLS)
	admin, adminErr := r.listeners.admin.prepare(next.Serve.Admin.TLS)
	if err := errors.Join(err, pageErr, publicErr, adminErr); err != nil {
		return nil, nil, err
	}
	public()
	admin()
	r.delivery.replace(senders)
	r.api.SetPage(shown)
	r.api.SetAPIKeys(apiKeys(next))
	r.level.Set(next.Log.SlogLevel())
	r.current = next
	return changed, waiting, nil
}
