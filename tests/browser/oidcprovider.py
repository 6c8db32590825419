"""The certified OpenID provider of npm, installed below var/ and run on this machine."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.conftest import CHECKOUT

SOURCE = Path(__file__).parent / "oidc"
PLACE = CHECKOUT / "var/oidc"
CLIENT_SECRET = "MARKED-7f3a-provider-and-console-only"
INSTALL_S = 280


def missing() -> str:
    """Return why there is no provider, after trying to install it; empty if there is one."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        return "no node and npm"
    PLACE.mkdir(parents=True, exist_ok=True)
    wanted = (SOURCE / "package-lock.json").read_bytes()
    stamp = PLACE / "installed"
    for name in ("package.json", "package-lock.json", "provider.mjs"):
        shutil.copy(SOURCE / name, PLACE / name)
    if stamp.exists() and stamp.read_bytes() == wanted:
        return ""
    # Nothing that a package brings is run while it is installed.
    install = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
    done = subprocess.run(install, cwd=PLACE, capture_output=True, check=False, timeout=INSTALL_S)
    if done.returncode:
        return f"`{' '.join(install)}` ended with {done.returncode}"
    stamp.write_bytes(wanted)
    return ""


@contextmanager
def provider(port: int, callback: str) -> Iterator[str]:
    """Run it; yield its issuer, which is another site than 127.0.0.1 to a browser."""
    command = ["node", "provider.mjs", str(port), callback, CLIENT_SECRET]
    with subprocess.Popen(
        command, cwd=PLACE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env={"PATH": os.environ["PATH"]}
    ) as process:
        try:
            assert process.stdout is not None
            while line := process.stdout.readline():
                if line.strip() == b"listening":
                    break
            else:
                raise AssertionError("the provider did not start")
            yield f"http://localhost:{port}"
        finally:
            process.kill()
