#!/bin/sh
# Arguments of a .deb: configure [OLD-VERSION]; of an .rpm: 1, or 2 for an upgrade.
set -e
if [ -d /run/systemd/system ]; then
	systemctl daemon-reload || true
	# Restarts a bridge that runs, and starts none.
	systemctl try-restart invitebridge.service || true
fi
case "$1:$2" in
configure: | 1:)
	cat <<-'TEXT'
		The Invite Bridge is installed. It does not start by itself: it needs an API key.
		  1. Edit /etc/invitebridge/invitebridge.yml and /etc/invitebridge/secrets.yml.
		  2. invitebridge doctor -c /etc/invitebridge/invitebridge.yml -c /etc/invitebridge/secrets.yml
		  3. systemctl enable --now invitebridge
	TEXT
	;;
esac
