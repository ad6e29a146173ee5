"""Where words are found: the full-text engine, and how a question is read for it."""
