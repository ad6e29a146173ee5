"""The web server: who may hold a connection for how long, whose body is read, and waitress, which does the rest."""
