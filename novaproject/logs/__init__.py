"""Log lines: their form, what is hidden in them, the file of each day, and the web server's own."""
