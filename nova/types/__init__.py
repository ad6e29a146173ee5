"""The analysis types: what is asked for, in which shape."""
