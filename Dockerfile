# The command `hotloop` and the libraries that it needs.
#
#   docker build -t hotloop .
#   docker run --rm -v "$PWD:/data" hotloop 'sin(a)**2 + cos(b)**2' a=a.npy b=b.npy
#
# It runs as an unprivileged user, so outputs need a folder that this user may write to:
# add `--user "$(id -u):$(id -g)"`. The root may be read-only (`--read-only`).

FROM rust:1.95-slim-bookworm AS builder
WORKDIR /src
COPY Cargo.toml Cargo.lock ./
COPY src src
COPY command command
COPY grammar grammar
COPY runtime runtime
COPY testing testing
# The manifest names them.
COPY benches benches
COPY examples examples
COPY tests tests
RUN cargo build --release --locked --bin hotloop
RUN mkdir -p /image/usr/bin /image/data /image/tmp \
    && chmod 1777 /image/tmp \
    && install -s target/release/hotloop /image/usr/bin/ \
    && ldd target/release/hotloop | grep -o '/[^ ]*' | xargs -I LIBRARY cp -L --parents LIBRARY /image

FROM scratch
COPY --from=builder /image /
WORKDIR /data
USER 65532:65532
ENTRYPOINT ["/usr/bin/hotloop"]
