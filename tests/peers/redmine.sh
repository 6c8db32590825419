#!/usr/bin/env bash
# A real Redmine 5 from Debian packages, as a peer for tests: puma, SQLite, 127.0.0.1, mail into files.
#
#   tests/peers/redmine.sh [start]   install what is missing (apt, as root), set up, start; print KEY=VALUE
#   tests/peers/redmine.sh stop      end the server that this script started
#   tests/peers/redmine.sh reset     stop, and delete its state
#
#   PEERS_DIR  state (default: var/peers in the checkout)    REDMINE_PORT  default 18081    REDMINE_THREADS  default 4
#
# Starting twice is starting once. Outside PEERS_DIR apt writes, and one link is made: Debian's Redmine reads an
# instance from /var/lib/redmine/NAME. Every mail that Redmine would have sent is a file in REDMINE_MAIL_DIR.
set -euo pipefail

HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
D=${PEERS_DIR:-$HERE/../../var/peers}/redmine
REDMINE_PORT=${REDMINE_PORT:-18081}
REDMINE_THREADS=${REDMINE_THREADS:-4}
URL=http://127.0.0.1:$REDMINE_PORT
INSTANCE=concern-router-$REDMINE_PORT

say() { echo "redmine: $*" >&2; }
fail() { say "$1"; tail -20 "$2" >&2; exit 1; }
running() { [ -s "$D/pid" ] && kill -0 "$(cat "$D/pid")" 2>/dev/null; }
answers() {
  curl -s -o "$D/log/answer" -H "X-Redmine-API-Key: $(sed -n 's/^REDMINE_KEY=//p' "$D/seeded")" "$URL/users/current.json" \
    && grep -q '"login":"router"' "$D/log/answer"
}

stop() {
  if running; then # it leads its own session, so the group is exactly what was started here
    local pid; pid=$(cat "$D/pid")
    kill -TERM -- "-$pid" 2>/dev/null || true
    for _ in $(seq 100); do kill -0 -- "-$pid" 2>/dev/null || break; sleep 0.1; done
    kill -KILL -- "-$pid" 2>/dev/null || true
  fi
  rm -f "$D/pid"
}

use_bundler() {
  # Bundler as it comes with Debian's newer Ruby takes Debian's gems for missing; the one of its own package does not.
  BUNDLER_VERSION=$(apt-cache policy ruby-bundler | sed -n 's/^  Candidate: \([0-9.]*\).*/\1/p')
  export BUNDLER_VERSION
}

install_packages() {
  # dbconfig-no-thanks keeps the package off making an instance of its own.
  local wanted=(redmine redmine-sqlite dbconfig-no-thanks puma sqlite3 curl)
  dpkg-query -W -f '${db:Status-Status}\n' "${wanted[@]}" 2>/dev/null | grep -c '^installed$' | grep -qx "${#wanted[@]}" && return
  [ "$(id -u)" = 0 ] || { say "needs root to install ${wanted[*]}"; exit 1; }
  say "installing ${wanted[*]}"
  export DEBIAN_FRONTEND=noninteractive
  { apt-get update -qq && use_bundler && apt-get install -y -qq --no-install-recommends "${wanted[@]}"; } >"$D/log/apt.log" 2>&1 \
    || fail "apt-get failed" "$D/log/apt.log"
}

write_settings() {
  ln -sfn "$(readlink -f "$D")" "/var/lib/redmine/$INSTANCE"
  export REDMINE_INSTANCE=$INSTANCE RAILS_ENV=production REDMINE_LANG=en
  cat >"$D/config/database.yml" <<YML
production: {adapter: sqlite3, database: "$(readlink -f "$D")/redmine.sqlite", timeout: 10000, pool: 16}
YML
  cat >"$D/config/configuration.yml" <<YML
production:
  email_delivery:
    delivery_method: :file
    file_settings:
      location: "$(readlink -f "$D")/mail"
YML
  [ -s "$D/config/secret_key.txt" ] || (umask 077; od -An -N48 -tx1 /dev/urandom | tr -d ' \n' >"$D/config/secret_key.txt")
}

make_database() {
  cd /usr/share/redmine
  if [ ! -e "$D/made" ]; then
    say "making the database"
    rm -f "$D"/redmine.sqlite* "$D/seeded"*
    { bundle exec rake db:migrate && bundle exec rake redmine:load_default_data; } >"$D/log/setup.log" 2>&1 \
      || fail "making the database failed" "$D/log/setup.log"
    sqlite3 "$D/redmine.sqlite" 'PRAGMA journal_mode=WAL;' >/dev/null
    touch "$D/made"
  fi
  cmp -s "$HERE/redmine_seed.rb" "$D/seeded.with" && [ -s "$D/seeded" ] && return
  bundle exec rails runner "$HERE/redmine_seed.rb" "$D/seeded" >"$D/log/seed.log" 2>&1 || fail "seeding failed" "$D/log/seed.log"
  cp "$HERE/redmine_seed.rb" "$D/seeded.with"
}

start() {
  mkdir -p "$D"/{config,log,files,mail,tmp/cache,public/plugin_assets}
  chmod 700 "$D"
  D=$(readlink -f "$D")
  exec 9>"$D/lock" && flock 9
  install_packages
  use_bundler
  write_settings
  make_database
  local now; now="$REDMINE_PORT-$REDMINE_THREADS-$(sha256sum <"$D/seeded")"
  [ "$now" = "$(cat "$D/started-with" 2>/dev/null)" ] || stop
  if ! running; then
    say "starting on $URL"
    echo "$now" >"$D/started-with"
    setsid puma --environment production --threads "$REDMINE_THREADS:$REDMINE_THREADS" --workers 0 \
      --bind "tcp://127.0.0.1:$REDMINE_PORT" config.ru >>"$D/log/server.log" 2>&1 </dev/null 9>&- &
    echo $! >"$D/pid"
  fi
  for _ in $(seq 240); do
    answers && break
    running || fail "the server ended" "$D/log/server.log"
    sleep 0.25
  done
  answers || fail "no answer in time" "$D/log/server.log"
}

case ${1:-start} in
  stop) stop; exit ;;
  reset) stop; rm -rf "$D"; rm -f "/var/lib/redmine/$INSTANCE"; exit ;;
  start) start ;;
  *) say "start, stop or reset"; exit 2 ;;
esac
cat "$D/seeded"
cat <<OUT
REDMINE_URL=$URL
REDMINE_HOME=$D
REDMINE_MAIL_DIR=$D/mail
REDMINE_PID=$(cat "$D/pid")
OUT
