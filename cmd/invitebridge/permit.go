package main

import (
	"fmt"
	"os"
	"os/user"
	"strconv"

	"invitebridge/config"
)

// permit gives a socket its owner, group and mode: the mode last, so that it
// never holds for another owner than was meant.
func permit(path string, socket config.Socket) error {
	uid, gid, err := owners(socket)
	if err != nil {
		return err
	}
	if uid != -1 || gid != -1 {
		if err := os.Chown(path, uid, gid); err != nil {
			return fmt.Errorf("socket: %w", err)
		}
	}
	return os.Chmod(path, os.FileMode(socket.Mode)) //nolint:gosec // the configuration keeps it within 0o777
}

// owners gives the user and the group of a socket; -1 for none.
func owners(socket config.Socket) (uid, gid int, err error) {
	uid, err = number(socket.Owner, func(name string) (string, error) {
		u, err := user.Lookup(name)
		if err != nil {
			return "", err
		}
		return u.Uid, nil
	})
	if err != nil {
		return 0, 0, fmt.Errorf("socket.owner: %w", err)
	}
	gid, err = number(socket.Group, func(name string) (string, error) {
		g, err := user.LookupGroup(name)
		if err != nil {
			return "", err
		}
		return g.Gid, nil
	})
	if err != nil {
		return 0, 0, fmt.Errorf("socket.group: %w", err)
	}
	return uid, gid, nil
}

// number gives the id that a name or a number means; -1 for none.
func number(text string, lookup func(name string) (id string, err error)) (int, error) {
	if text == "" {
		return -1, nil
	}
	if id, err := strconv.Atoi(text); err == nil && id >= 0 {
		return id, nil
	}
	id, err := lookup(text)
	if err != nil {
		return 0, err
	}
	return strconv.Atoi(id)
}
