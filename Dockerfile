# One image for all services and the command; docker-compose.yml says which one a container runs.
FROM debian:bookworm-slim AS build
RUN apt-get -q update \
    && DEBIAN_FRONTEND=noninteractive apt-get -q install -y --no-install-recommends \
        gcc libc6-dev cmake ninja-build pkg-config libzmq3-dev libprotobuf-c-dev protobuf-c-compiler \
        liblmdb-dev libsodium-dev libyaml-dev libcsv-dev libjansson-dev check \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /source
COPY . .
RUN cmake --preset release \
    && ninja -C build/release --quiet tonghop tonghop-collector tonghop-aggregator tonghop-notifier \
    && strip build/release/bin/tonghop*

FROM debian:bookworm-slim
RUN apt-get -q update \
    && DEBIAN_FRONTEND=noninteractive apt-get -q install -y --no-install-recommends \
        libzmq5 libprotobuf-c1 liblmdb0 libsodium23 libyaml-0-2 libcsv3 libjansson4 lmdb-utils \
    && rm -rf /var/lib/apt/lists/*
# A fixed number, so that key files on the host can be given to it. Empty volumes take over the owner
# and the mode of these folders.
RUN groupadd --gid 7400 tonghop \
    && useradd --uid 7400 --gid 7400 --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin tonghop \
    && install -d -o tonghop -g tonghop -m 700 /var/lib/tonghop
COPY --from=build /source/build/release/bin/ /usr/local/bin/
COPY --from=build /source/config/plans/ /usr/local/share/tonghop/plans/
COPY --from=build /source/config/units/ /usr/local/share/tonghop/units/
COPY --from=build /source/config/compose/start.sh /usr/local/bin/tonghop-start
COPY --from=build /source/config/compose/make-keys.sh /usr/local/bin/tonghop-make-keys
USER tonghop
# The service of this container answers, and says that it is ready.
HEALTHCHECK --interval=10s --timeout=15s --start-period=60s --retries=3 \
    CMD ["tonghop", "status", "--timeout", "5s", "--config", "/run/tonghop/health.yaml"]
ENTRYPOINT ["tonghop-start"]
CMD ["collector"]
