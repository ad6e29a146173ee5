"""Batch mode: pooled, planned, reserved, sent and collected."""
