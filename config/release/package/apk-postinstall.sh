#!/bin/sh
cat <<-'TEXT'
	The Invite Bridge is installed. It does not start by itself: it needs an API key.
	  1. Edit /etc/invitebridge/invitebridge.yml and /etc/invitebridge/secrets.yml.
	  2. invitebridge doctor -c /etc/invitebridge/invitebridge.yml -c /etc/invitebridge/secrets.yml
	  3. rc-update add invitebridge && rc-service invitebridge start
TEXT
