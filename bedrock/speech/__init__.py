"""Speech to text by Nova Sonic: the stream, its protocol, and what is paid for it."""
