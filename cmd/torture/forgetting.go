package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"
)

// forgetting is the removal of a person.
type forgetting struct {
	beside *subject // stays
	lost   bool     // the response was
}

// inviteBeside invites, and once more another person, who stays.
func inviteBeside(ctx context.Context, t *trial, s *subject) error {
	if s.forgetting.beside == nil {
		s.forgetting.beside = newSubjects(1)[0]
	}
	return errors.Join(invite(ctx, t, s.forgetting.beside), invite(ctx, t, s))
}

// forget removes the person, whose first attempt may have succeeded.
func forget(ctx context.Context, t *trial, s *subject) error {
	a, err := call(ctx, http.MethodDelete, t.admin, "/"+s.id.String(), nil)
	if err != nil {
		s.forgetting.lost = true
		return err
	}
	if s.forgetting.lost && a.Error.ID == "invitation_not_found" {
		return nil
	}
	return a.is(http.StatusOK)
}

// isForgotten checks that neither the invitation, its tokens, its history nor its identity
// exist, and that those of the other person do.
func isForgotten(ctx context.Context, t *trial, s *subject) error {
	list, err := call(ctx, http.MethodGet, t.admin, "/?email="+s.email, nil)
	if err == nil && strings.TrimSpace(list.text) != "[]" {
		err = fmt.Errorf("invitations of the address: %s", list.text)
	}
	for _, path := range []string{"", "/history"} {
		a, callErr := call(ctx, http.MethodGet, t.admin, "/"+s.id.String()+path, nil)
		err = errors.Join(err, callErr, a.is(http.StatusNotFound))
	}
	for _, token := range s.tokens {
		err = errors.Join(err, t.preview(ctx, token, http.StatusNotFound))
	}
	return errors.Join(err, t.checkIdentityGone(ctx, s), isPending(ctx, t, s.forgetting.beside))
}

// isErased checks that the files of the store have nothing that names the person.
func isErased(ctx context.Context, t *trial, s *subject) error {
	files, err := t.bridges.files(ctx)
	if err != nil {
		return err
	}
	for name := range files {
		if strings.HasSuffix(name, "log") {
			continue
		}
		text, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		if !bytes.Contains(text, []byte(s.forgetting.beside.email)) {
			return fmt.Errorf("%s lacks the other person, so searching it proves nothing", name)
		}
		for _, trace := range []string{s.email, s.id.String(), s.identity.String(), string(s.id[:]), string(s.identity[:])} {
			if bytes.Contains(text, []byte(trace)) {
				return fmt.Errorf("%s has %q", name, trace)
			}
		}
	}
	return nil
}
