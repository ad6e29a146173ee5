"""An app that registers kinds of work for tests with real worker processes."""
