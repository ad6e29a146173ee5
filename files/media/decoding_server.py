"""A helper process that decodes what it is told, until nobody tells it any more. Run by `files.media.decoding`."""

import sys
from multiprocessing.connection import Connection

from files.media.decoding import serve
from jobs import child_processes, no_network

if __name__ == "__main__":
    reads, writes, parent_pid, memory_bytes = map(int, sys.argv[1:])
    child_processes.die_with(parent_pid)
    child_processes.limit_memory(memory_bytes)
    no_network.deny()
    serve(Connection(reads, writable=False), Connection(writes, readable=False))
