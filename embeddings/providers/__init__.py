"""Embedding models, one module each, chosen by dotted path (see `embeddings.conf.PROVIDERS`)."""
