"""What the user decides or the endpoint sets: what may be done, what goes into a parcel, how long to wait."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Mode:
    """What may be done.

    Attributes:
        send: Send what is due and wait for it; else only what is under way is looked after.
        recall: Have batches that are under way cancelled, and give up those that cannot be had.
    """

    send: bool = False
    recall: bool = False


@dataclass(frozen=True)
class Terms:
    """What goes into one parcel, and how often a question goes out.

    Attributes:
        requests: The most questions in a file; `bytes` its largest size.
        times: Parcels that a question goes out in; when none brings a reply it is asked by itself.
        few: So few questions that came back without a reply are asked by themselves rather than waited for again.
    """

    requests: int = 50_000
    bytes: int = 200_000_000
    times: int = 2
    few: int = 20


@dataclass(frozen=True)
class Patience:
    """How long to wait for batches; all in seconds.

    Attributes:
        most: Then the errand ends incomplete; None waits for as long as it takes.
        first: Before the second look; pauses grow up to `longest`.
        settles: In which an order that was cut off may still arrive, or be missing from the endpoint's list.
        faults: Looks in a row that find the endpoint gone before that ends the errand.
    """

    most: float | None = None
    first: float = 5.0
    longest: float = 60.0
    faults: int = 10
    settles: float = 30.0
    sleep: Callable[[float], None] = time.sleep
    clock: Callable[[], float] = time.monotonic
