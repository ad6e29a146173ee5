"""The frames of a file that are worth looking at: chosen once, kept, cut, and compared by a small hash."""
