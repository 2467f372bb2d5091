#!/bin/sh
# Makes the files of archives, packages and images that are not in the repository.
# goreleaser runs it before it builds: sh config/release/prepare.sh DIRECTORY
set -eu
out=$1
rm -rf "$out"
mkdir -p "$out/completions" "$out/data"

go run ./config/release/licenses -o "$out/THIRD_PARTY_LICENSES" ./cmd/invitebridge

# Built as the release is, so that the build cache serves both.
CGO_ENABLED=0 go build -trimpath -buildvcs=false -o "$out/native" ./cmd/invitebridge
for shell in bash zsh fish; do
	"$out/native" completion "$shell" >"$out/completions/invitebridge.$shell"
done
"$out/native" config example >"$out/example.yml"
rm "$out/native"

# The unit of the guide without the heading on how to install it by hand.
sed -e '1,/^$/d' -e 's#/usr/local/bin/#/usr/bin/#' docs/systemd/invitebridge.service >"$out/invitebridge.service"
grep -q '^ExecStart=/usr/bin/invitebridge serve ' "$out/invitebridge.service"

# Certificate authorities of the image: those of the machine that builds it.
cp -L "${CA_CERTIFICATES:-/etc/ssl/certs/ca-certificates.crt}" "$out/ca-certificates.crt"
