"""Bytes on disk: writing in our own folders, names, paths and hashes."""
