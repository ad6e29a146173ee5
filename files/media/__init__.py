"""What is made and known of a media file: probe, ffmpeg, proxies, posters, sprites, streaming."""
