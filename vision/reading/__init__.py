"""Text on screen: signs, slides, titles, numbers, read from the frames and put together in time."""
