# Builds the one binary and puts it on a small Debian. The image has no secret in it: DATABASE_URL and TANGGUH_SECRET
# are given when it is started (docker-compose.yml shows how).

FROM rust:1.95-bookworm AS build
# The image has what the bundled SQLite, libpq and OpenSSL are built with: a C compiler, make and perl.
WORKDIR /src
# The dependencies first, with a program that does nothing: they are built again only when Cargo.lock changes.
COPY Cargo.toml Cargo.lock ./
COPY .cargo .cargo
RUN mkdir src \
 && echo 'fn main() {}' > src/main.rs \
 && touch src/lib.rs \
 && mkdir benches \
 && cp src/main.rs benches/bare_sqlite.rs \
 && cargo build --release --locked \
 && rm -r src benches
COPY . .
# Cargo goes by times: without the touch it would keep the program that does nothing.
RUN touch src/main.rs src/lib.rs \
 && cargo build --release --locked \
 && strip target/release/tangguh

FROM debian:bookworm-slim
RUN useradd --system --uid 10001 --user-group --home-dir /var/lib/tangguh --create-home --shell /usr/sbin/nologin tangguh
COPY --from=build /src/target/release/tangguh /usr/local/bin/tangguh
USER 10001:10001
# Where the SQLite file and its sealing secret are kept when no DATABASE_URL is given.
WORKDIR /var/lib/tangguh
VOLUME ["/var/lib/tangguh"]
ENV TANGGUH_LISTEN=0.0.0.0:8080
EXPOSE 8080
# Asks /readyz of the address that the service listens on; the image needs no curl.
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s --retries=3 CMD ["tangguh", "healthcheck"]
ENTRYPOINT ["tangguh"]
CMD ["serve"]
