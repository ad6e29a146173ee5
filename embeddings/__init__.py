"""Embedding spaces, chunks, indexing and search."""
