package main

import (
	"context"
	"errors"
	"sync"
	"time"

	"invitebridge/config"
	"invitebridge/kratos"
)

const (
	loginCacheFor = 30 * time.Second // how long a result is cached
	loginTimeout  = 3 * time.Second
)

// loginPage caches whether Kratos has a login page. It is safe for concurrent
// use.
type loginPage struct {
	public *kratos.PublicClient // nil: not checked
	mu     sync.Mutex
	at     time.Time
	none   bool
}

// newLoginPage returns one that checks nothing if invitation.return_to is set:
// invitees are then never sent to Kratos' login.
func newLoginPage(cfg config.Config) (*loginPage, error) {
	if cfg.Invitation.ReturnTo != "" {
		return &loginPage{}, nil
	}
	public, err := kratos.NewPublicClient(cfg.Kratos.PublicURL, loginTimeout)
	return &loginPage{public: public}, err
}

// missing reports whether there is certainly no login page: browsers may reach
// one that the bridge cannot.
func (l *loginPage) missing(ctx context.Context) bool {
	if l.public == nil {
		return false
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.at.IsZero() || time.Since(l.at) > loginCacheFor {
		l.none = errors.Is(l.public.Login(context.WithoutCancel(ctx)), kratos.ErrNoLoginPage)
		l.at = time.Now()
	}
	return l.none
}
