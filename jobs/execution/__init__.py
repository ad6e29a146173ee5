"""One job in a worker: claimed, kept alive, run, and its end written down."""
