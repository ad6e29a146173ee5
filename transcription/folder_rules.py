"""What holds for speech in a folder: its own rules, else the settings."""

from files.models import Root
from transcription import conf


def languages_of(root: Root) -> tuple[str, ...]:
    """The languages that are spoken here, the one that is spoken in every file first; none: any."""
    languages = tuple(root.languages) or conf.languages()
    if root.language:
        return (root.language, *(language for language in languages if language != root.language))
    return languages


def vocabulary_of(root: Root) -> tuple[str, ...]:
    """The names and terms that are spoken here."""
    return tuple(root.vocabulary) or conf.vocabulary()


def transcribes_on_import(root: Root) -> bool:
    """Whether an import of this folder goes on to transcripts by itself."""
    return conf.transcribes_on_import() if root.steps is None else "transcribe" in root.steps
