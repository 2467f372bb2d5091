#!/bin/sh
# Prints the section of CHANGELOG.md for a release, without its heading:
#
#   sh config/release/notes.sh v0.1.0
#
# Fails if there is no such section, if it says "unreleased" instead of a date, or if
# the chart has another version.
set -eu
version=${1#v}
chart=$(sed -n 's/^version: *//p' docs/helm/invitebridge/Chart.yaml)
if [ "$chart" != "$version" ]; then
	echo "the Helm chart has version $chart, not $version" >&2
	exit 1
fi
notes=$(awk -v version="$version" '
	/^## / { found = ($2 == version || $2 == "[" version "]"); next }
	/^\[[^]]*\]: / { next }
	found' CHANGELOG.md)
if grep -Eiq "^## \[?$(printf %s "$version" | sed 's/\./\\./g')\]? .*unreleased" CHANGELOG.md; then
	echo "the section for $version in CHANGELOG.md has no date" >&2
	exit 1
fi
if [ -z "$notes" ]; then
	echo "CHANGELOG.md has no section for $version" >&2
	exit 1
fi
printf '%s\n' "$notes"
