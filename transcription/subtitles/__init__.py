"""Subtitle files: ours are written (SRT, WebVTT, text, JSON), other people's are read. No Django here."""
