"""Headless Chromium driven over its debugging pipe: no driver package, no socket, standard library only."""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

NAMES: Final = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_FLAGS: Final = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--hide-scrollbars",
    "--remote-debugging-pipe",
)
_PATIENCE_S: Final = 60.0


class ChromeError(Exception):
    """Chromium refused a command, died, or a script in the page threw."""


def find_chrome() -> str | None:
    """The path of a Chromium or Chrome, None where there is none."""
    return next((path for name in NAMES if (path := shutil.which(name))), None)


class Page:
    """One tab. `console` collects console messages and uncaught errors, `requests` every URL that was asked for."""

    def __init__(self, chrome: Chrome, session: str) -> None:
        self._chrome = chrome
        self._session = session
        self.console: list[str] = []
        self.requests: list[str] = []
        for domain in ("Page", "Runtime", "Network", "Log"):
            self.send(f"{domain}.enable")

    def send(self, method: str, **params: Any) -> dict[str, Any]:
        """A command to this tab; its result."""
        return self._chrome.send(method, params, session=self._session)

    def open(self, url: str) -> float:
        """Load a page; milliseconds from the start of navigation to its load event."""
        self.send("Page.navigate", url=url)
        self.wait_for("document.readyState === 'complete' && performance.timing.loadEventEnd > 0")
        return float(self.value("performance.timing.loadEventEnd - performance.timing.navigationStart"))

    def value(self, script: str) -> Any:
        """The value of an expression in the page, awaited; ChromeError where it throws."""
        answer = self.send("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in answer:
            raise ChromeError(json.dumps(answer["exceptionDetails"])[:2000])
        return answer["result"].get("value")

    def wait_for(self, condition: str) -> None:
        """Wait until the expression is true."""
        end = time.monotonic() + _PATIENCE_S
        while time.monotonic() < end:
            with suppress(ChromeError):  # while a page loads there may be no context to ask in
                if self.value(f"Boolean({condition})"):
                    return
            time.sleep(0.02)
        raise ChromeError(f"never came true: {condition}")

    def screen(self, width: int, height: int = 900, *, scheme: str = "light") -> None:
        """The size of the window in CSS pixels, and whether the user likes it light or dark."""
        self.send("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)
        self.send("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])

    def picture(self, path: Path, *, top: int = 0, height: int | None = None) -> None:
        """A PNG of the page from `top`, by default all of it."""
        size = self.send("Page.getLayoutMetrics")["cssContentSize"]
        clip = {"x": 0, "y": top, "width": size["width"], "height": height or size["height"] - top, "scale": 1}
        answer = self.send("Page.captureScreenshot", captureBeyondViewport=True, clip=clip)
        path.write_bytes(base64.b64decode(answer["data"]))

    def pdf(self, path: Path) -> None:
        """The page as printed."""
        path.write_bytes(base64.b64decode(self.send("Page.printToPDF", printBackground=True)["data"]))

    def take(self, event: dict[str, Any]) -> None:
        """Keep what an event of this tab tells."""
        method, params = event["method"], event["params"]
        if method == "Network.requestWillBeSent":
            self.requests.append(params["request"]["url"])
        elif method == "Runtime.consoleAPICalled":
            self.console.append(" ".join(str(each.get("value")) for each in params["args"]))
        elif method == "Runtime.exceptionThrown":
            self.console.append(json.dumps(params["exceptionDetails"])[:1000])
        elif method == "Log.entryAdded":
            self.console.append(params["entry"]["text"])
        elif method == "Page.javascriptDialogOpening":
            self.console.append(f"dialog: {params['message']}")
            self._chrome.post("Page.handleJavaScriptDialog", {"accept": True}, session=self._session)


class Chrome:
    """The browser process and its pipe."""

    def __init__(self, path: str, profile: str) -> None:
        read_commands, self._commands = os.pipe()
        self._events, write_events = os.pipe()

        def wire() -> None:
            """In the child: the pipe is file descriptors 3 and 4, whatever numbers it had."""
            commands, events = os.dup(read_commands), os.dup(write_events)
            high = [os.dup(commands) for _ in range(3)][-1], [os.dup(events) for _ in range(3)][-1]
            os.dup2(high[0], 3)
            os.dup2(high[1], 4)

        self._process = subprocess.Popen(
            [path, *_FLAGS, f"--user-data-dir={profile}", "about:blank"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            preexec_fn=wire,
            close_fds=False,
        )
        os.close(read_commands)
        os.close(write_events)
        self._number = 0
        self._buffer = b""
        self._pages: dict[str, Page] = {}

    def page(self) -> Page:
        """A new, empty tab."""
        target = self.send("Target.createTarget", {"url": "about:blank"})["targetId"]
        session = self.send("Target.attachToTarget", {"targetId": target, "flatten": True})["sessionId"]
        self._pages[session] = page = Page(self, session)
        return page

    def send(self, method: str, params: dict[str, Any], *, session: str | None = None) -> dict[str, Any]:
        """A command, and its result; events that come meanwhile go to their tabs."""
        number = self.post(method, params, session=session)
        while True:
            message = self._read()
            if message.get("id") == number:
                if "error" in message:
                    raise ChromeError(f"{method}: {message['error']['message']}")
                return dict(message["result"])
            if "method" in message and message.get("sessionId") in self._pages:
                self._pages[message["sessionId"]].take(message)

    def post(self, method: str, params: dict[str, Any], *, session: str | None = None) -> int:
        """Send a command without waiting; its number."""
        self._number += 1
        message: dict[str, Any] = {"id": self._number, "method": method, "params": params}
        if session is not None:
            message["sessionId"] = session
        data = json.dumps(message).encode() + b"\0"
        while data:
            data = data[os.write(self._commands, data) :]
        return self._number

    def close(self) -> None:
        """End the browser."""
        self._process.terminate()
        try:
            self._process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        os.close(self._commands)
        os.close(self._events)

    def _read(self) -> dict[str, Any]:
        while b"\0" not in self._buffer:
            chunk = os.read(self._events, 1 << 20)
            if not chunk:
                raise ChromeError("Chromium ended")
            self._buffer += chunk
        line, _, self._buffer = self._buffer.partition(b"\0")
        return dict(json.loads(line))


@contextmanager
def started(path: str) -> Iterator[Chrome]:
    """A browser with an empty profile, ended afterwards."""
    with TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        chrome = Chrome(path, profile)
        try:
            yield chrome
        finally:
            chrome.close()
