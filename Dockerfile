# The bridge as one static program in an image of its own, run by nobody. What it keeps is in /data:
# the first start writes a config there, and says what to do with it. See docs/docker.md.
FROM golang:1.26-bookworm AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
RUN CGO_ENABLED=1 go build -trimpath -tags goolm,netgo,osusergo,sqlite_omit_load_extension -ldflags "-s -w -linkmode=external -extldflags=-static" -o /out/matrix-msn ./cmd/bridge
RUN mkdir -p /out/data /out/tmp && chown 65534:65534 /out/data && chmod 1777 /out/tmp

FROM scratch
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/
COPY --from=build --chown=65534:65534 /out/data /data
COPY --from=build /out/tmp /tmp
COPY --from=build /out/matrix-msn /matrix-msn
USER 65534:65534
WORKDIR /data
VOLUME /data
EXPOSE 29363
ENTRYPOINT ["/matrix-msn"]
