#!/bin/sh
# tonghop-start SERVICE - what a container begins with: puts the public keys into the configuration of
# that service, in place of the words NAME-PUBLIC-KEY-..., and becomes the service.
set -eu
service=$1
public=/etc/tonghop/public
run=/run/tonghop

fill=
for file in "$public"/*.key.pub; do
    name=$(basename "$file" .key.pub | tr '[:lower:]' '[:upper:]')
    key=$(sed -n 's/^public = "\(.*\)"$/\1/p' "$file" | sed 's/&/\\&/g')
    fill="$fill;s|\"$name-PUBLIC-KEY-[^\"]*\"|\"$key\"|"
done
sed "${fill#;}" "/etc/tonghop/$service.yaml" >"$run/$service.yaml"
if missing=$(grep -v '^ *#' "$run/$service.yaml" | grep -o '[A-Z]*-PUBLIC-KEY-'); then
    # shellcheck disable=SC2086
    echo "start: no public key for" $missing "in var/compose/public: docker-compose run --rm keys" >&2
    exit 3
fi

# For the health check: the command asks each service it is told of; here both are this one, so that
# one container's health says nothing about another's.
listens=$(sed -n 's|^ *- tcp://\*:\([0-9]*\)$|tcp://127.0.0.1:\1|p' "$run/$service.yaml" | head -n 1)
cat >"$run/health.yaml" <<YAML
collector: {endpoint: "$listens", key_file: $public/$service.key.pub}
aggregator: {endpoint: "$listens", key_file: $public/$service.key.pub}
key_file: /run/secrets/$service.key
YAML

exec "tonghop-$service" --config "$run/$service.yaml"
