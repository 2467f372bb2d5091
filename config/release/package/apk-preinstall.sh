#!/bin/sh
# Runs before the files of the .apk are unpacked: they belong to the group.
addgroup -S invitebridge 2>/dev/null
adduser -S -D -H -h /var/lib/invitebridge -s /sbin/nologin -G invitebridge -g "Invite Bridge" invitebridge 2>/dev/null
exit 0
