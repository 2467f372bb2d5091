#!/bin/sh
# Packages the Helm chart with the version of dist/, and with the registry that
# goreleaser pushes the image to: sh config/release/chart.sh DIRECTORY
set -eu
mkdir -p "$1"
out=$(cd "$1" && pwd)
version=$(sed -n 's/.*"version":"\([^"]*\)".*/\1/p' dist/metadata.json)
registry=ghcr.io/$(printf %s "$GITHUB_REPOSITORY_OWNER" | tr A-Z a-z)

rm -rf "$out/invitebridge"
cp -r docs/helm/invitebridge "$out/invitebridge"
cp LICENSE "$out/invitebridge/"
sed "s#^  registry: \"\"#  registry: $registry#" docs/helm/invitebridge/values.yaml >"$out/invitebridge/values.yaml"

cd docs/helm/test
go tool helm package "$out/invitebridge" --version "$version" --app-version "$version" --destination "$out"
rm -r "$out/invitebridge"

# By default the chart runs the image of the same release.
go tool helm template "$out/invitebridge-$version.tgz" --values values/minimal.yaml |
	grep -F "image: $registry/invitebridge:$version"
