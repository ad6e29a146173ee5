"""Addresses of the API that pages point at. They are the outward contract, so they stand here as written there."""


def stream(file_id: int) -> str:
    return f"/api/files/{file_id}/stream"


def thumbnail(file_id: int) -> str:
    return f"/api/files/{file_id}/thumbnail"


def sprite_index(file_id: int) -> str:
    """WebVTT of the pictures that are shown while scrubbing."""
    return f"/api/files/{file_id}/sprite.vtt"


def proxy_stream(proxy_id: int) -> str:
    return f"/api/proxies/{proxy_id}/stream"


def captions(transcript_id: int) -> str:
    """WebVTT for the player: without what was flagged as made up."""
    return f"/api/transcripts/{transcript_id}/captions.vtt"


def transcript_download(transcript_id: int, file_format: str) -> str:
    return f"/api/transcripts/{transcript_id}/download?format={file_format}"
