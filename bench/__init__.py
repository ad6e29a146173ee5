"""Measurements, one module a subject, run by `make bench-<subject>`. They never fail a test run."""
