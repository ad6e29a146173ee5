"""Files that show the same: re-encoded, cut out of one another, or photographed in a burst."""
