"""Processes that carry the queues: clusters, their supervisor, and what it does every few seconds."""
