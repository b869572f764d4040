"""Blocking work beside the event loop, on threads that no exit waits for."""

import asyncio
import threading
from collections.abc import Callable
from typing import TypeVar, TypeVarTuple

T = TypeVar("T")
_Arguments = TypeVarTuple("_Arguments")


async def beside(work: Callable[[*_Arguments], T], *arguments: *_Arguments) -> T:
    """Does it on a thread of its own: a disk that hangs takes none that others need, and holds up no end.

    Whoever is cancelled does not know whether it was done.
    """
    return await asyncio.shield(begun(lambda: work(*arguments), "files"))


def begun(work: Callable[[], T], name: str) -> "asyncio.Future[T]":
    """The same, not waited for: done once the work is, on a thread of that name.

    Whoever waits for it has to shield it: else their being cancelled would look like its end.
    """
    loop = asyncio.get_running_loop()
    done: asyncio.Future[T] = loop.create_future()
    done.add_done_callback(_retrieve)

    def do() -> None:
        try:
            result = work()
        except BaseException as error:  # noqa: BLE001 - it is raised where it is waited for
            tell, outcome = _fail, error
        else:
            tell, outcome = _succeed, result  # type: ignore[assignment]
        if not loop.is_closed():
            loop.call_soon_threadsafe(tell, done, outcome)

    threading.Thread(target=do, name=name, daemon=True).start()
    return done


def _succeed(done: "asyncio.Future[T]", result: T) -> None:
    if not done.done():
        done.set_result(result)


def _fail(done: "asyncio.Future[T]", error: BaseException) -> None:
    if not done.done():
        done.set_exception(error)


def _retrieve(done: "asyncio.Future[T]") -> None:
    """What nobody waits for any more is no news."""
    if not done.cancelled():
        done.exception()
