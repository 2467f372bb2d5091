#!/bin/sh
# The store is the only record of which identities in Kratos were created for
# invitations.
if [ -d /var/lib/invitebridge ]; then
	echo "The store in /var/lib/invitebridge and the user invitebridge were kept."
fi
