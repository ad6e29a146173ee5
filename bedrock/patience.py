"""A paid call that somebody waits for: after some seconds they go on without, and what comes later is kept for them."""

import threading
from collections.abc import Callable, Hashable
from concurrent.futures import Future, wait
from contextvars import copy_context
from typing import Any, TypeVar

from bedrock.errors import SlowAnswerError

Reply = TypeVar("Reply")
#: Calls under way, and answers that came after their asker had gone; more than these nobody asks at once.
_begun: dict[Hashable, "Future[Any]"] = {}
MOST = 64
_lock = threading.Lock()


def wait_for_begun(seconds: float, key: Hashable) -> None:
    """Where a call with this key is under way already, wait for it, before anything is reserved once more.

    Raises SlowAnswerError where it is not done by then.
    """
    with _lock:
        future = _begun.get(key)
    if future is not None and not wait([future], timeout=seconds).done:
        raise SlowAnswerError(f"AWS has not answered for {seconds:g} seconds.")


def within(seconds: float, key: Hashable, call: Callable[[], Reply]) -> Reply:
    """The call's answer, if it comes within so many seconds; whoever asks again with this key waits for the same call.

    The call runs in a thread of its own and must not touch the database. Raises SlowAnswerError, and whatever the call
    raises.
    """
    with _lock:
        future = _begun.get(key)
        if future is None:
            while len(_begun) >= MOST:
                _begun.pop(next(iter(_begun)))
            future = _begun[key] = Future()
            context = copy_context()
            threading.Thread(target=_run, args=(future, lambda: context.run(call)), daemon=True).start()
    try:
        reply: Reply = future.result(timeout=seconds)
    except TimeoutError as error:
        if future.done():  # the call's own TimeoutError
            _forget(key, future)
            raise
        raise SlowAnswerError(f"AWS has not answered for {seconds:g} seconds.") from error
    except BaseException:
        _forget(key, future)
        raise
    _forget(key, future)
    return reply


def _run(future: "Future[Any]", call: Callable[[], object]) -> None:
    try:
        future.set_result(call())
    except BaseException as error:  # noqa: BLE001  (handed to whoever waits)
        future.set_exception(error)


def _forget(key: Hashable, future: "Future[Any]") -> None:
    with _lock:
        if _begun.get(key) is future:
            del _begun[key]
