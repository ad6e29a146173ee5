"""What AWS is called with, and what it costs."""
