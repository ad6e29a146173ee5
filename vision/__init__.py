"""What there is to see in a file: its frames, the text on screen, and near-duplicates."""
