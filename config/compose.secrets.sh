#!/bin/sh
# Makes ./secrets for docker-compose.yml: passwords and addresses, each a file that only its reader gets.
# Run once as root, before the first `docker compose up`; what exists stays as it is. The files are given to
# the accounts that read them: 999 is the PostgreSQL image's, 10001 is ours.
set -eu
umask 077
mkdir -p secrets
cd secrets

random() { od -An -N24 -tx1 /dev/urandom | tr -d ' \n'; }
make() { [ -e "$1" ] || printf '%s' "$2" > "$1"; }

make postgres_password "$(random)"
for role in owner intake worker console chainer; do
  make "${role}_password" "$(random)"
done
make redis_password "$(random)"

address() { printf 'postgresql://%s:%s@postgres:5432/concern_router' "$1" "$(cat "$1_password")"; }
make concern_router_database_url "$(address owner)"
for role in intake worker console chainer; do
  make "concern_router_database_url_$role" "$(address "$role")"
done
make concern_router_redis_url "redis://:$(cat redis_password)@redis:6379/0"

chown -R 10001:10001 .
chown 999:999 postgres_password owner_password intake_password worker_password console_password chainer_password
echo "made what was missing in ./secrets; next: docker compose run --rm keys"
