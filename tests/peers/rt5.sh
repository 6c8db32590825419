#!/usr/bin/env bash
# A real Request Tracker 5 from Debian packages, as a peer for tests: SQLite, 127.0.0.1, mail into files.
#
#   tests/peers/rt5.sh [start]   install what is missing (apt, as root), set up, start; print KEY=VALUE
#   tests/peers/rt5.sh stop      end the server that this script started
#   tests/peers/rt5.sh reset     stop, and delete its state
#
#   PEERS_DIR  state (default: var/peers in the checkout)    RT_PORT  default 18080    RT_WORKERS  default 2
#
# Starting twice is starting once. Outside PEERS_DIR only apt writes. Every mail that RT would have
# sent is appended to RT_MAIL_DIR/*.mbox instead: that is where a leak to a mailbox would show.
set -euo pipefail

HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
D=${PEERS_DIR:-$HERE/../../var/peers}/rt5
RT_PORT=${RT_PORT:-18080}
RT_WORKERS=${RT_WORKERS:-2}
URL=http://127.0.0.1:$RT_PORT

say() { echo "rt5: $*" >&2; }
fail() { say "$1"; tail -20 "$2" >&2; exit 1; }
running() { [ -s "$D/pid" ] && kill -0 "$(cat "$D/pid")" 2>/dev/null; }
answers() { curl -s -o "$D/log/answer" -H "Authorization: token $(cat "$D/token")" "$URL/REST/2.0/rt" && grep -q Version "$D/log/answer"; }

stop() {
  if running; then # it leads its own session, so the group is exactly what was started here
    local pid; pid=$(cat "$D/pid")
    kill -TERM -- "-$pid" 2>/dev/null || true
    for _ in $(seq 50); do kill -0 -- "-$pid" 2>/dev/null || break; sleep 0.1; done
    kill -KILL -- "-$pid" 2>/dev/null || true
  fi
  rm -f "$D/pid"
}

install_packages() {
  # msmtp-mta is a mail agent without a daemon; dbconfig-no-thanks keeps the package off making a database.
  local wanted=(request-tracker5 rt5-standalone rt5-db-sqlite dbconfig-no-thanks msmtp-mta curl)
  dpkg-query -W -f '${db:Status-Status}\n' "${wanted[@]}" 2>/dev/null | grep -c '^installed$' | grep -qx "${#wanted[@]}" && return
  [ "$(id -u)" = 0 ] || { say "needs root to install ${wanted[*]}"; exit 1; }
  say "installing ${wanted[*]}"
  export DEBIAN_FRONTEND=noninteractive
  { apt-get update -qq && apt-get install -y -qq --no-install-recommends "${wanted[@]}"; } >"$D/log/apt.log" 2>&1 \
    || fail "apt-get failed" "$D/log/apt.log"
}

write_settings() {
  # RT_SITE_CONFIG and RT_SITE_CONFIG_DIR make RT ignore /etc/request-tracker5.
  export RT_SITE_CONFIG=$D/settings.pm RT_SITE_CONFIG_DIR=$D/settings.d
  cat >"$RT_SITE_CONFIG" <<PM
\$VarPath = '$D/mail'; \$MasonDataDir = '$D/mason'; \$MasonSessionDir = '$D/sessions';
Set(\$rtname, 'rt.peer.test'); Set(\$Organization, 'peer.test');
Set(\$CorrespondAddress, 'rt@peer.test'); Set(\$CommentAddress, 'rt-comment@peer.test');
Set(\$WebDomain, '127.0.0.1'); Set(\$WebPort, $RT_PORT); Set(\$WebPath, '');
Set(\$DatabaseType, 'SQLite'); Set(\$DatabaseName, '$D/rt5.sqlite');
Set(\$MailCommand, 'mbox'); Set(\$HTMLFormatter, 'core'); Set(\$Timezone, 'UTC');
Set(\$WebSessionClass, 'Apache::Session::File');
Set(\$LogToSyslog, undef); Set(\$LogToSTDERR, 'warning');
# REST checks the token with bcrypt at every request: cost 12, RT's own, is 0.25 s of CPU each time.
Set(\$BcryptCost, 5);
1;
PM
}

make_database() {
  [ -e "$D/made" ] && return
  say "making the database"
  rm -f "$D"/rt5.sqlite* "$D"/token*
  printf root-password >"$D/root-password"
  rt-setup-database-5 --action init --root-password-file "$D/root-password" >"$D/log/setup.log" 2>&1 \
    || fail "rt-setup-database failed" "$D/log/setup.log"
  touch "$D/made"
}

start() {
  mkdir -p "$D"/{settings.d,mail,mason,sessions,log}
  chmod 700 "$D"
  exec 9>"$D/lock" && flock 9
  install_packages
  write_settings
  make_database
  perl "$HERE/rt5_seed.pl" "$D/token" >"$D/log/seed.log" 2>&1 || fail "seeding failed" "$D/log/seed.log"
  local now; now=$(sha256sum <"$RT_SITE_CONFIG")$RT_WORKERS
  [ "$now" = "$(cat "$D/started-with" 2>/dev/null)" ] || stop
  if ! running; then
    say "starting on $URL"
    echo "$now" >"$D/started-with"
    setsid /usr/share/request-tracker5/libexec/rt-server --server Starlet --env deployment \
      --host 127.0.0.1 --port "$RT_PORT" --max-workers "$RT_WORKERS" >>"$D/log/server.log" 2>&1 </dev/null 9>&- &
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
  reset) stop; rm -rf "$D"; exit ;;
  start) start ;;
  *) say "start, stop or reset"; exit 2 ;;
esac
cat <<OUT
RT_URL=$URL
RT_TOKEN=$(cat "$D/token")
RT_OFFICER_TOKEN=$(cat "$D/token.officer")
RT_QUEUE=Safeguarding
RT_QUEUE_WITHOUT_SEVERITY=Facilities
RT_MAIL_DIR=$(readlink -f "$D/mail")
RT_DATABASE=$(readlink -f "$D/rt5.sqlite")
RT_PID=$(cat "$D/pid")
OUT
