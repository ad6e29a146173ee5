"""From what is known of a file to chunks and vectors."""
