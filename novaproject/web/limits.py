"""How long a client may take, and how much it may hold. Pure."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What one client, and all together, may ask of the web server."""

    #: Seconds for the head of a request, from its first byte; as long without any byte, and a new connection ends.
    head_s: float = 10.0
    #: A body must come at this rate, on average, once so many seconds are over.
    body_grace_s: float = 20.0
    body_bytes_per_s: float = 1000.0
    #: Seconds in which a client must take something of its answer. Players that pause stop reading, and ask again
    #: where they were.
    stalled_s: float = 60.0
    #: Seconds between two requests on one connection.
    idle_s: float = 75.0
    #: Bytes of a head, address included: a question of 600 characters is up to 7,200 of an address.
    head_bytes: int = 32_768
    #: Bytes of a body where no file is taken.
    body_bytes: int = 2_621_440
    #: Connections of one address, and of all. 0 = any number of one.
    per_client: int = 128
    in_all: int = 900
    #: Requests that are answered at once, and files whose bytes are read for a client.
    pages: int = 8
    streams: int = 24

    def is_body_too_slow(self, taken_s: float, received_bytes: int) -> bool:
        """Whether a body that began so long ago, and of which so much is there, comes too slowly to wait for it."""
        return taken_s > self.body_grace_s and received_bytes < (taken_s - self.body_grace_s) * self.body_bytes_per_s
