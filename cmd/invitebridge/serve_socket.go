package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/user"
	"strconv"
	"syscall"

	"invitebridge/config"
)

// setSocketPermissions sets the owner, group and mode of a socket: the mode last,
// so that it never applies to the wrong owner.
func setSocketPermissions(path string, socket config.Socket) error {
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

// owners returns the user and the group of a socket; -1 if not configured.
func owners(socket config.Socket) (uid, gid int, err error) {
	uid, err = lookUpID(socket.Owner, func(name string) (string, error) {
		u, err := user.Lookup(name)
		if err != nil {
			return "", err
		}
		return u.Uid, nil
	})
	if err != nil {
		return 0, 0, fmt.Errorf("socket.owner: %w", err)
	}
	gid, err = lookUpID(socket.Group, func(name string) (string, error) {
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

// lookUpID returns the id for a name or number; -1 for an empty text.
func lookUpID(text string, lookup func(name string) (id string, err error)) (int, error) {
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

// listenUnix binds a unix socket. It removes the stale socket of a dead process,
// but no other kind of file, and no socket that a process still listens on.
func listenUnix(ctx context.Context, path string, socket config.Socket) (net.Listener, error) {
	if info, err := os.Lstat(path); err == nil && info.Mode().Type() == os.ModeSocket {
		conn, err := new(net.Dialer).DialContext(ctx, "unix", path)
		switch {
		case err == nil:
			return nil, errors.Join(fmt.Errorf("another process listens on %s", path), conn.Close())
		case !errors.Is(err, syscall.ECONNREFUSED): // its process may be busy or another user's
			return nil, fmt.Errorf("another process may be listening on %s; remove the socket if none is: %w", path, err)
		}
		if err := os.Remove(path); err != nil {
			return nil, err
		}
	}
	// Only this user can connect until the permissions are set.
	l, err := listenPrivately(ctx, path)
	if err != nil {
		return nil, err
	}
	if err := setSocketPermissions(path, socket); err != nil {
		return nil, errors.Join(err, l.Close())
	}
	return l, nil
}
