"""Speech to text: providers, transcripts, segments and subtitles."""
