"""Files and moments in the forms of other programs: lists, subtitles, timelines."""
