"""Out of the library and back, and what disk and rows disagree on."""
