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
	loginFor     = 30 * time.Second // how long what was found is remembered
	loginTimeout = 3 * time.Second
)

// loginPage remembers whether Kratos has a page to sign in at.
type loginPage struct {
	public *kratos.Public // nil: nothing to look for
	mu     sync.Mutex
	at     time.Time
	none   bool
}

// newLoginPage makes one that looks for nothing where nobody is sent to Kratos'
// login.
func newLoginPage(cfg config.Config) (*loginPage, error) {
	if cfg.Invitation.ReturnTo != "" {
		return &loginPage{}, nil
	}
	public, err := kratos.NewPublic(cfg.Kratos.PublicURL, loginTimeout)
	return &loginPage{public: public}, err
}

// missing says whether there is certainly none: what the bridge cannot reach
// browsers may.
func (l *loginPage) missing(ctx context.Context) bool {
	if l.public == nil {
		return false
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.at.IsZero() || time.Since(l.at) > loginFor {
		l.none = errors.Is(l.public.Login(context.WithoutCancel(ctx)), kratos.ErrNoLogin)
		l.at = time.Now()
	}
	return l.none
}
