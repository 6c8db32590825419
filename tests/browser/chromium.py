"""Debian's Chromium: where it stands, and its installation where root and apt are there."""

import os
import shutil
import subprocess
from pathlib import Path

PROGRAM = Path("/usr/bin/chromium")


def missing() -> str:
    """Return why there is no Chromium, after trying to install it; empty if there is one."""
    return installed(PROGRAM, "chromium", "fonts-noto-core")


def installed(program: Path, *packages: str) -> str:
    """Return why there is no `program`, after trying to install Debian's `packages`; empty if there is one."""
    if program.exists():
        return ""
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        return f"no {program}, and only root with apt can install it"
    env = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    install = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", *packages]
    for command in (["apt-get", "update", "-qq"], install):
        done = subprocess.run(command, env=env, capture_output=True, check=False, timeout=280)
        if done.returncode:
            return f"`{' '.join(command)}` ended with {done.returncode}"
    return "" if program.exists() else f"{program} did not come with Debian's package"
