"""What can go wrong on the way from speech to text.

TranscriptionError (jobs.errors.WorkError)
├── ProviderNotReadyError        something is missing: weights, an SDK, a bucket
│   └── WeightsMissingError      the model's weights are not on this machine
├── WeightsDamagedError          they are there, and are not what they should be
├── NoSoundError                 the file has no audio track to listen to
├── UnknownLanguageError         the language asked for is not one of the engine's
├── BadOptionError               an option that the provider does not know
├── SegmentReplacedError         a line to be corrected went with a new transcript
├── BadSubtitlesError            a subtitle file that cannot be read
└── EngineError            the engine gave up in the middle (retryable where that may help)
"""

from jobs.errors import WorkError


class TranscriptionError(WorkError):
    code = "transcription"


class ProviderNotReadyError(TranscriptionError):
    code = "provider_not_ready"
    status = 409


class WeightsMissingError(ProviderNotReadyError):
    code = "weights_missing"


class WeightsDamagedError(TranscriptionError):
    code = "weights_damaged"
    status = 409


class NoSoundError(TranscriptionError):
    code = "no_sound"
    remedy = "There is nothing to transcribe in this file."


class UnknownLanguageError(TranscriptionError):
    code = "unknown_language"
    remedy = "Use a code such as en, de or ja, or leave the language empty to have it recognised."


class BadOptionError(TranscriptionError):
    code = "bad_option"


class BadSubtitlesError(TranscriptionError):
    code = "bad_subtitles"
    remedy = "Open the subtitle file in a text editor: it should be SRT, WebVTT or ASS, as UTF-8."


class EngineError(TranscriptionError):
    code = "engine_failed"
    status = 500


class SegmentReplacedError(TranscriptionError):
    """The line that is to be changed went with a new transcript."""

    code = "segment_replaced"
    status = 409


class NothingToUndoError(TranscriptionError):
    """There is no correction to take back."""

    code = "nothing_to_undo"
    status = 409
