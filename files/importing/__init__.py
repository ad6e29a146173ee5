"""Folders and uploads on their way into the library: listed, inspected, matched, and written as rows."""
