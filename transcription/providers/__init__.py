"""Engines that turn speech into text; one module each, chosen by dotted path."""
