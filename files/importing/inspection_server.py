"""A helper process: looks into the files that it is told, until nobody tells it any more. Run by `inspection_pool`."""

import sys
from multiprocessing.connection import Connection

from files.importing.inspection import inspect_file
from jobs import child_processes, no_network

#: Looking into a file reads its head, and of a picture no pixel.
HELPER_BYTES = 1024**3


def serve(asked: Connection, answers: Connection) -> None:
    """Answer each (root, entries) with what was found there; ends when the other side is gone."""
    try:
        while True:
            root, entries = asked.recv()
            answers.send([inspect_file(root, entry) for entry in entries])
    except (EOFError, BrokenPipeError):
        return


if __name__ == "__main__":
    reads, writes, parent_pid = map(int, sys.argv[1:])
    child_processes.die_with(parent_pid)
    child_processes.limit_memory(HELPER_BYTES)
    no_network.deny()
    serve(Connection(reads, writable=False), Connection(writes, readable=False))
