"""The free local model: cuts of the picture, and the words that matter."""
