#!/bin/sh
# Restarts a bridge that runs, and starts none.
rc-service --ifstarted invitebridge restart
exit 0
