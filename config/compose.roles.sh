#!/bin/sh
# Run once by the PostgreSQL image in a new cluster: the owner, the four logins, the database.
# Members of nothing, no rights but to log in; `concern-router db upgrade` grants the rest.
set -eu

for role in owner intake worker console chainer; do
  # The password comes on standard input and as a quoted literal: on no command line.
  {
    printf "\\\\set password '%s'\n" "$(cat "/run/secrets/${role}_password")"
    echo "create role $role login nosuperuser nocreatedb nocreaterole noinherit password :'password';"
  } | psql --no-psqlrc --quiet --set ON_ERROR_STOP=1 --username postgres
done
psql --no-psqlrc --quiet --set ON_ERROR_STOP=1 --username postgres <<'SQL'
create database concern_router owner owner;
revoke all on database concern_router, postgres, template1 from public;
SQL
