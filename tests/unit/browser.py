"""A real Chromium, headless, driven over its own protocol."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import shutil
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


class Browser:
    """One tab; errors of its console are kept."""

    def __init__(self, socket: Any) -> None:
        self.socket, self.count, self.errors = socket, 0, list[str]()

    async def call(self, method: str, **params: Any) -> dict[str, Any]:
        self.count += 1
        await self.socket.send_json({"id": self.count, "method": method, "params": params})
        while True:
            message = await asyncio.wait_for(self.socket.receive_json(), 120)
            level = message.get("params", {}).get("entry", {}).get("level")
            if message.get("method") == "Runtime.exceptionThrown" or level in ("error", "warning"):
                self.errors.append(json.dumps(message["params"]))
            if message.get("id") == self.count:
                assert "error" not in message, message
                return dict(message["result"])

    async def js(self, code: str) -> Any:
        found = await self.call("Runtime.evaluate", expression=code, awaitPromise=True, returnByValue=True)
        assert "exceptionDetails" not in found, found
        return found["result"].get("value")

    async def until(self, code: str, *, within_s: float = 60) -> None:
        for _ in range(int(10 * within_s)):
            if await self.js(code):
                return
            await asyncio.sleep(0.1)
        raise AssertionError(f"never true: {code}")

    async def drop(self, data: bytes, kind: str = "image/png") -> None:
        """A file from outside, dropped on the page."""
        text = base64.b64encode(data).decode()
        await self.js(f"""(() => {{
          const bytes = Uint8Array.from(atob("{text}"), (c) => c.charCodeAt(0));
          const data = new DataTransfer();
          data.items.add(new File([bytes], "bird.png", {{type: "{kind}"}}));
          dispatchEvent(new DragEvent("drop", {{dataTransfer: data, bubbles: true, cancelable: true}}));
        }})()""")

    async def shoot(self, path: Path) -> None:
        await asyncio.sleep(1.2)  # the lineage lights up
        found = await self.call("Page.captureScreenshot", format="png", captureBeyondViewport=True)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(base64.b64decode(found["data"]))


@asynccontextmanager
async def tab(url: str, profile: Path, *, dark: bool = False) -> AsyncIterator[Browser]:
    options = ["--headless", "--no-sandbox", "--disable-gpu", "--remote-debugging-port=0", "--window-size=1000,760"]
    options += ["--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"]
    process = subprocess.Popen(
        [str(CHROMIUM), *options, f"--user-data-dir={profile}", "about:blank"],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        port = profile / "DevToolsActivePort"
        for _ in range(1200):
            if port.exists() and len(port.read_text().splitlines()) == 2:
                break
            await asyncio.sleep(0.1)
        number = port.read_text().splitlines()[0]
        async with aiohttp.ClientSession() as http:
            page = None
            while page is None:
                async with http.get(f"http://127.0.0.1:{number}/json") as reply:
                    page = next((one for one in await reply.json() if one["type"] == "page"), None)
            async with http.ws_connect(page["webSocketDebuggerUrl"], max_msg_size=0) as socket:
                browser = Browser(socket)
                for domain in ("Page", "Runtime", "Log"):
                    await browser.call(f"{domain}.enable")
                scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
                await browser.call("Emulation.setEmulatedMedia", features=[scheme])
                await browser.call("Page.navigate", url=url)
                await browser.until("document.readyState === 'complete' && location.href !== 'about:blank'")
                yield browser
    finally:
        process.kill()
        process.wait()


def artefacts(tmp_path: Path) -> Path:
    return Path(os.environ.get("RLFG_ARTEFACTS", tmp_path))


async def texts(browser: Browser, selector: str) -> list[str]:
    return list(await browser.js(f"[...document.querySelectorAll('{selector}')].map((e) => e.textContent)"))
