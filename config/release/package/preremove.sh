#!/bin/sh
# Arguments of a .deb: remove, or upgrade VERSION and others; of an .rpm: 0, or 1
# for an upgrade. An upgrade leaves the service alone: postinstall.sh restarts it.
set -e
case "$1" in
remove | 0)
	if [ -d /run/systemd/system ]; then
		systemctl disable --now invitebridge.service || true
	fi
	;;
esac
