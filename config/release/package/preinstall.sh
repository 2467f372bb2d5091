#!/bin/sh
# Runs before the files of the .deb or .rpm are unpacked: they belong to the group.
set -e
getent group invitebridge >/dev/null || groupadd --system invitebridge
getent passwd invitebridge >/dev/null ||
	useradd --system --gid invitebridge --home-dir /var/lib/invitebridge --no-create-home --shell /usr/sbin/nologin \
		--comment "Invite Bridge" invitebridge
