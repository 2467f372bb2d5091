#!/bin/sh
# Arguments of a .deb: remove, purge, and others; of an .rpm: 0, or 1 for an upgrade.
set -e
if [ -d /run/systemd/system ]; then
	systemctl daemon-reload || true
fi
case "$1" in
purge | 0)
	# The invitations are data, and the store is the only record of which
	# identities in Kratos were created for them.
	if [ -d /var/lib/invitebridge ]; then
		echo "The store in /var/lib/invitebridge and the user invitebridge were kept."
	fi
	;;
esac
