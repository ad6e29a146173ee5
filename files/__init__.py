"""Library roots, media files, proxies, import and streaming."""
