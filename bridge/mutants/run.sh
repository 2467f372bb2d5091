#!/bin/sh
# Breaks each rule once, in a copy of the sources, and fails if the test named by
# the patch still passes. The first line of a patch states the rule, the package and
# the test: "# No write goes to an active identity. Test: ./bridge TestOrder".
# Arguments: patches to run; default: all.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT
# -trimpath lets copies share the build cache. Failures need no shrinking.
export GOFLAGS="${GOFLAGS:-} -trimpath" RAPID_SHRINKTIME=1s RAPID_NOFAILFILE=true

[ $# -gt 0 ] || set -- "$here"/*.patch
cd "$here/../.." && git ls-files -z --cached --others --exclude-standard | xargs -0 cp --parents -t "$copy"
cd "$copy"

named() { sed -n '1s/.* Test: //p' "$@"; } # prints package and test

# The tests must pass without a patch, or a failure would prove nothing.
all=$(for patch; do named "$patch"; done | sed 's/^[^ ]* //; s/\/.*//' | sort -u | paste -sd '|')
${GO:-go} test -vet=off -ldflags=-w -run "^($all)\$" $(for patch; do named "$patch"; done | sed 's/ .*//' | sort -u)

survived=0
for patch; do
	set -- $(named "$patch")
	git apply "$patch"
	if ${GO:-go} test -vet=off -ldflags=-w -failfast -run "^$2\$" "$1" >out 2>&1 || ! grep -q '^--- FAIL' out; then
		cat out
		echo "$(basename "$patch"): survived, $2 passes"
		survived=$((survived + 1))
	else
		echo "$(basename "$patch"): killed by $2"
	fi
	git apply -R "$patch"
done
[ $survived = 0 ] || { echo "$survived mutants survived"; exit 1; }
