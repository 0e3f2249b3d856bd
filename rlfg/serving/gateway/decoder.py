"""Where pictures are decoded: beside the event loop, and large ones beside this process.

Pillow holds the interpreter's lock while it copies, converts and composes: 5 ms for a megapixel, 0.4 s for 40. Small
pictures are therefore decoded in threads, and larger ones in processes of their own, which also bound the memory it
takes.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import signal
import threading
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from functools import partial
from typing import final

from rlfg.serving.gateway.errors import ApiError
from rlfg.serving.gateway.pictures import check_header, picture_url

SMALL = 1_000_000
"""Pixels up to which a picture is decoded in a thread: less time than it takes to another process and back."""


@final
class Decoder:
    """Makes data URLs of pictures; one for a gateway, closed with it.

    Args:
        pixels: the most of a picture.
        processes: at most as many are started, when large pictures first come.
    """

    def __init__(self, *, pixels: int, processes: int) -> None:
        self.pixels, self.processes = pixels, processes
        self._threads = ThreadPoolExecutor(thread_name_prefix="decode")
        self._apart: ProcessPoolExecutor | None = None

    async def url(self, data: bytes) -> str:
        """The picture as a data URL for the engine.

        Raises:
            ApiError: As `picture_url`; 503 if the process has died of it, or of another picture.
        """
        loop = asyncio.get_running_loop()
        done = await loop.run_in_executor(self._threads, _if_small, data, self.pixels)
        if done is not None:
            return done
        processes = self._apart = self._apart or self._start()
        try:
            return await loop.run_in_executor(processes, partial(picture_url, data, pixels=self.pixels))
        except BrokenProcessPool:
            if self._apart is processes:
                self._apart = None
            processes.shutdown(wait=False)
            message = "the process that decoded this picture, or another one beside it, has died; try again"
            raise ApiError(503, message, param="image", kind="server_error", headers={"Retry-After": "1"}) from None

    def close(self) -> None:
        """Waits for nothing."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        if self._apart is not None:
            self._apart.shutdown(wait=False, cancel_futures=True)

    def _start(self) -> ProcessPoolExecutor:
        # Not forked: this process has threads.
        context = multiprocessing.get_context("spawn")
        return ProcessPoolExecutor(self.processes, mp_context=context, initializer=_belong)


def _if_small(data: bytes, pixels: int) -> str | None:
    _, size = check_header(data, pixels=pixels)
    return picture_url(data, pixels=pixels) if size <= SMALL else None


def _belong() -> None:
    """In a process of the pool: Ctrl-C is the gateway's to answer, and the end of that is the end of this."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
