"""Reading settings from the environment: what cannot be right is refused before anything starts, all of it at once."""

import math
import os
import re
from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from typing import Any
from zoneinfo import available_timezones

import environ
from django.core.exceptions import ImproperlyConfigured

#: Of these an empty value says something: no limit.
EMPTY_SPEAKS = {"API_COSTLY_RATE"}
NO = {"0", "false", "f", "no", "n", "off"}
#: The least and the most of a number. Those that are not named are 0 or more.
LIMITS: dict[str, tuple[float, float]] = {
    "PORT": (1, 65_535),
    "FAST_WORKERS": (1, 64),
    "LONG_WORKERS": (1, 64),
    "JOB_LEASE_SECONDS": (1, 3600),
    "JOB_TICK_SECONDS": (0.1, 600),
    "JOB_WEDGE_SECONDS": (1, 86_400),
    "JOB_RECYCLE_SECONDS": (60, math.inf),
    "IDEMPOTENCY_KEY_HOURS": (1, math.inf),
    "ROOTS_CHECK_S": (1, math.inf),
    "FRAME_SECONDS": (0.1, 3600),
    "NOVA_BATCH_MIN_RECORDS": (0, math.inf),
    "NOVA_BATCH_MAX_RECORDS": (1, math.inf),
    "NOVA_BATCH_MAX_BYTES": (1_000_000, math.inf),
    "NOVA_POLL_SECONDS": (1, math.inf),
    "NOVA_CONCURRENT_CALLS": (1, 1000),
    "NOVA_READ_TIMEOUT_SECONDS": (1, math.inf),
    "NOVA_SONIC_MAX_TOKENS": (1, math.inf),
    "NOVA_SONIC_TOKENS_PER_SECOND": (1, math.inf),
    "NOVA_EMBED_DIMENSION": (1, 8192),
}
#: Settings that are one word of a few.
WORDS: dict[str, tuple[str, ...]] = {
    "LOG_FORMAT": ("plain", "json"),
    "LOG_LEVEL": ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"),
    "WHISPER_DEVICE": ("auto", "cpu", "cuda"),
}


def budget_problem(value: str) -> str:
    """Why this is no cap in USD; empty where it is one."""
    try:
        cap = Decimal(value.lstrip("$"))
    except InvalidOperation:
        return f"must be a number of USD such as 10.50, not {value!r}"
    return "" if cap.is_finite() and cap >= 0 else f"must be 0 or more, not {value!r}"


def rate_problem(value: str) -> str:
    """Why this is no rate of calls; empty where it is one."""
    is_rate = re.fullmatch(r"[1-9]\d*/(s|sec|second|m|min|minute|h|hour|d|day)", value)
    return "" if is_rate else f"must be a number of calls and a time, such as 120/min, not {value!r}"


def zone_problem(value: str) -> str:
    """Why this is no time zone; empty where it is one."""
    return "" if value in available_timezones() else f"must be a time zone such as Europe/Berlin, not {value!r}"


def ffmpeg_name_problem(value: str) -> str:
    """Why this cannot be the name of an encoder; empty where it can. Whether ffmpeg has it is tried when it is used."""
    return "" if re.fullmatch(r"[a-z0-9_]+", value) else f"must be auto, cpu or an encoder of ffmpeg's, not {value!r}"


#: Says why a value cannot be right, in words that follow the setting's name; empty = it can.
PROBLEMS: dict[str, Callable[[str], str]] = {
    "NOVA_MONTHLY_BUDGET_USD": budget_problem,
    "API_COSTLY_RATE": rate_problem,
    "TIME_ZONE": zone_problem,
    "PROXY_ENCODER": ffmpeg_name_problem,
}


def _bounds_problem(name: str, number: float) -> str:
    least, most = LIMITS.get(name, (0, math.inf))
    if math.isfinite(number) and least <= number <= most:
        return ""
    between = f"{least:g} or more" if most == math.inf else f"from {least:g} to {most:g}"
    return f"must be {between}, not {number:g}"


class Env(environ.Env):  # type: ignore[misc]
    """A name without a value (`PORT=`) counts as not set, but for lists, which are empty then.

    A value that cannot be right is noted in `problems` and answered with the default; `refuse()` raises them all.
    """

    def __init__(self, **scheme: Any) -> None:
        super().__init__(**scheme)
        self.problems: list[str] = []

    def get_value(self, var: str, cast: Any = None, default: Any = environ.Env.NOTSET, **more: Any) -> Any:
        """Read one setting. Raises nothing: see `refuse`."""
        text = os.environ.get(var, "").strip()
        if not text and cast is not list and default is not self.NOTSET and var not in EMPTY_SPEAKS:
            return default
        problem, value = "", default
        if cast is bool and text.lower() not in {*self.BOOLEAN_TRUE_STRINGS, *NO}:
            problem = f"must be True or False, not {text!r}"
        else:
            try:
                # environ's own reading of a float leaves out letters: "1h30" would be 130.
                value = float(text) if cast is float and text else super().get_value(var, cast, default, **more)
            except ValueError:
                problem = f"must be a {'whole ' if cast is int else ''}number, not {text!r}"
        if not problem and text:
            if cast in (int, float):
                problem = _bounds_problem(var, value)
            elif var in WORDS and text not in WORDS[var]:
                problem = f"must be {', '.join(WORDS[var][:-1])} or {WORDS[var][-1]}, not {text!r}"
            elif var in PROBLEMS:
                problem = PROBLEMS[var](text)
        if problem:
            self.problems.append(f"{var} {problem}.")
            return default
        return value

    def refuse(self) -> None:
        """Raise ImproperlyConfigured with everything that was found wrong, a line for each."""
        if self.problems:
            raise ImproperlyConfigured("\n  ".join(["These settings cannot be right:", *self.problems]))
