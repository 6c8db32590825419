"""Debian's Firefox, spoken to in its own tongue: Marionette, a few commands over a local socket.

Nothing is downloaded to drive it, and nothing of it is patched. Its own code finds and presses elements, so that it
goes through pages without scripts as well.
"""

import json
import os
import socket
import subprocess
import time
from base64 import b64decode
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from tests.browser.chromium import installed

PROGRAM = Path("/usr/bin/firefox-esr")
START_S = 60
ANSWER_S = 30
Preference = bool | int | str
ELEMENT: Final = "element-6066-11e4-a52e-4f735466cecf"
"""What WebDriver calls a reference to an element (W3C WebDriver, 12.1)."""
QUIET: Final[Mapping[str, Preference]] = {
    # Whatever it would like to fetch ends at a port where nobody listens; our pages are reached directly.
    "network.proxy.type": 1,
    "network.proxy.http": "127.0.0.1",
    "network.proxy.http_port": 9,
    "network.proxy.ssl": "127.0.0.1",
    "network.proxy.ssl_port": 9,
    "network.proxy.no_proxies_on": "127.0.0.1",
    "marionette.port": 0,
    "browser.startup.homepage": "about:blank",
    "datareporting.policy.dataSubmissionEnabled": False,
    "browser.shell.checkDefaultBrowser": False,
}
SAFEST: Final[Mapping[str, Preference]] = {
    "javascript.enabled": False,
    "svg.disabled": True,
    "mathml.disabled": True,
    "gfx.font_rendering.graphite.enabled": False,
    "gfx.downloadable_fonts.enabled": False,
    "network.http.referer.hideOnionSource": True,
    "privacy.resistFingerprinting": True,
    "privacy.firstparty.isolate": True,
    "browser.privatebrowsing.autostart": True,
    "browser.cache.disk.enable": False,
}
"""What Tor Browser's safest mode switches off, as far as plain Firefox has the same switches."""


def missing() -> str:
    """Return why there is no Firefox, after trying to install it; empty if there is one."""
    return installed(PROGRAM, "firefox-esr")


class Firefox:
    """One running Firefox with one window."""

    def __init__(self, connection: socket.socket, profile: Path) -> None:
        self.profile = profile
        self._answers = connection.makefile("rb")
        self._connection = connection
        self._asked = 0
        self._read()
        self.ask("WebDriver:NewSession", pageLoadStrategy="normal")

    def ask(self, command: str, **values: Any) -> Any:
        """Return what Firefox answers to `command`."""
        self._asked += 1
        words = json.dumps([0, self._asked, command, values]).encode()
        self._connection.sendall(b"%d:%s" % (len(words), words))
        _, _, error, result = self._read()
        assert error is None, f"{command}: {error['error']}: {error['message']}"
        return result["value"] if isinstance(result, dict) and set(result) == {"value"} else result

    def _read(self) -> Any:
        size = b""
        while (digit := self._answers.read(1)) != b":":
            assert digit, "Firefox has gone away"
            size += digit
        return json.loads(self._answers.read(int(size)))

    def go(self, url: str) -> None:
        self.ask("WebDriver:Navigate", url=url)

    def find(self, xpath: str) -> list[str]:
        """Return all elements at `xpath` that can be seen."""
        found = [one[ELEMENT] for one in self.ask("WebDriver:FindElements", using="xpath", value=xpath)]
        return [one for one in found if self.ask("WebDriver:IsElementDisplayed", id=one)]

    def click(self, xpath: str) -> None:
        """Click the first element at `xpath`, and wait for the page that this leads to."""
        self.ask("WebDriver:ElementClick", id=self._first(xpath))

    def type(self, xpath: str, text: str) -> None:
        self.ask("WebDriver:ElementSendKeys", id=self._first(xpath), text=text)

    def text(self, xpath: str) -> str:
        return str(self.ask("WebDriver:GetElementText", id=self._first(xpath)))

    def _first(self, xpath: str) -> str:
        found = self.find(xpath)
        assert found, f"nothing to be seen at {xpath}, on {self.address()}"
        return found[0]

    def press_key(self, key: str, times: int = 1) -> None:
        """Press a key `times` times wherever the focus is."""
        strokes = [{"type": one, "value": key} for one in ("keyDown", "keyUp")] * times
        self.ask("WebDriver:PerformActions", actions=[{"type": "key", "id": "keys", "actions": strokes}])

    def address(self) -> str:
        return str(self.ask("WebDriver:GetCurrentURL"))

    def title(self) -> str:
        return str(self.ask("WebDriver:GetTitle"))

    def back(self) -> None:
        self.ask("WebDriver:Back")

    def resize(self, width: int, height: int) -> None:
        self.ask("WebDriver:SetWindowRect", width=width, height=height)

    def picture(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b64decode(self.ask("WebDriver:TakeScreenshot", full=True, hash=False)))


@contextmanager
def running(root: Path, preferences: Mapping[str, Preference]) -> Iterator[Firefox]:
    """Run Firefox with a new profile below `root`; its profile is complete on disk once this ends."""
    profile = root / "profile"
    profile.mkdir(parents=True)
    lines = [f"user_pref({json.dumps(name)}, {json.dumps(value)});" for name, value in {**QUIET, **preferences}.items()]
    (profile / "user.js").write_text("\n".join(lines))
    env = {**os.environ, "HOME": str(root), "MOZ_HEADLESS": "1", "MOZ_CRASHREPORTER_DISABLE": "1"}
    with (root / "firefox.out").open("wb") as output:
        program = [str(PROGRAM), "--headless", "--no-remote", "--marionette", "--profile", str(profile), "about:blank"]
        process = subprocess.Popen(program, env=env, stdout=output, stderr=output)
    try:
        with socket.create_connection(("127.0.0.1", _port(profile, process)), timeout=ANSWER_S) as connection:
            fox = Firefox(connection, profile)
            yield fox
            fox.ask("Marionette:Quit", flags=["eAttemptQuit"])
        process.wait(START_S)
    finally:
        process.kill()
        process.wait(START_S)


def _port(profile: Path, process: subprocess.Popen[bytes]) -> int:
    """Return the port that Firefox chose, once it has written it down."""
    said = profile / "MarionetteActivePort"
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline and process.poll() is None:
        if said.exists() and (port := said.read_text().strip()):
            return int(port)
        time.sleep(0.05)
    raise AssertionError("Firefox did not start")
