#!/bin/sh
# apk runs this for a removal, not for an upgrade.
rc-service --ifstarted invitebridge stop
rc-update --quiet --all delete invitebridge 2>/dev/null
exit 0
