#!/bin/sh
# tonghop-make-keys - the container `keys`: makes the key pairs that are missing in /compose/secrets,
# writes the public halves to /compose/public, and gives the secrets to the user that the services
# run as. Docker mounts a secret of a file with the owner and the mode that the file has, and a
# service refuses a key that others can read. What is there stays: bring your own, or run it again.
set -eu
umask 022
cd /compose
mkdir -p secrets public desk
for name in "$@"; do
    secret=secrets/$name.key
    if [ ! -e "$secret" ]; then
        said=$(tonghop keys make "$secret" 2>&1) || { echo "keys: $said" >&2; exit 1; }
    fi
    rm -f "$secret.pub"
    chmod 600 "$secret"
    sed -n '/^public = /p' "$secret" >"public/$name.key.pub"
    chown tonghop:tonghop "$secret"
done
chown tonghop:tonghop desk
echo "keys: $* stand in var/compose/secrets; keep a copy where nobody else can read it"
