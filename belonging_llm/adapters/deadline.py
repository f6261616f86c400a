"""An end to replies that never end: a server that sends a byte now and then keeps every usual timeout waiting."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import httpx2


def bounded(seconds: float) -> Callable[[httpx2.Response], None]:
    """A hook for responses of an `httpx2.Client`: the body has to be there within so many seconds of its headers."""

    def hook(response: httpx2.Response) -> None:
        if isinstance(response.stream, httpx2.SyncByteStream):
            response.stream = _Bounded(response.stream, time.monotonic() + seconds)

    return hook


class _Bounded(httpx2.SyncByteStream):
    """A body that is given up at `end`, a time of the monotonic clock."""

    def __init__(self, body: httpx2.SyncByteStream, end: float) -> None:
        self._body = body
        self._end = end

    def __iter__(self) -> Iterator[bytes]:
        for part in self._body:
            if time.monotonic() > self._end:
                raise httpx2.ReadTimeout("the reply does not end")
            yield part

    def close(self) -> None:
        self._body.close()
