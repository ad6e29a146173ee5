"""Analyses of a video: types, prompts, replies, and the local model."""
