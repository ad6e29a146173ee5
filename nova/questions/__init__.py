"""The questions that an analysis takes: prepared, paid, asked, and their replies kept."""
