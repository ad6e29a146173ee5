"""Django's way to PostgreSQL, but for the one character that PostgreSQL cannot keep."""
