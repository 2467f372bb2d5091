# The image of the Invite Bridge: one static binary and the certificates of the
# usual authorities, nothing else. It builds with BuildKit, for several platforms
# at once, and with the builder of older engines.
ARG GO_IMAGE=golang:1.26-alpine
FROM ${GO_IMAGE} AS build
# Older engines keep this stage, for the next build: docker image prune --filter label=invitebridge=build
LABEL invitebridge=build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
ARG VERSION=dev
ARG COMMIT
ARG DATE
# BuildKit sets it; empty is the architecture of the machine.
ARG TARGETARCH
# As "make build".
RUN CGO_ENABLED=0 GOARCH=${TARGETARCH} go build -trimpath -buildvcs=false \
    -ldflags "-s -w -X main.release=${VERSION} -X main.commit=${COMMIT} -X main.date=${DATE}" \
    -o /out/invitebridge ./cmd/invitebridge && mkdir /out/data

FROM scratch
ARG VERSION=dev
LABEL org.opencontainers.image.title="Invite Bridge" \
      org.opencontainers.image.description="Invitations for Ory Kratos" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}"
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/
# A volume that is new takes the owner of the directory it covers.
COPY --from=build --chown=65532:65532 /out/data /var/lib/invitebridge
COPY --from=build /out/invitebridge /usr/bin/
USER 65532:65532
VOLUME /var/lib/invitebridge
EXPOSE 4488 4489
HEALTHCHECK --interval=10s --timeout=5s --start-period=10s CMD ["/usr/bin/invitebridge", "health"]
ENTRYPOINT ["/usr/bin/invitebridge"]
CMD ["serve"]
