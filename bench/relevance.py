"""Is the right minute found, and nothing where there is nothing? Real questions over real paragraphs, by mode.

`make bench-relevance DATA="xquad.en.json xquad.de.json"`: each file is a set of questions in SQuAD's form (XQuAD's, or
one of your own). An article becomes a recording, a paragraph a minute of it, a sentence a cue; a question should find
its paragraph's minute among the recordings of its own file. Each set is asked three times: as it is, by its content
words alone, and in other words (without the words that the paragraph has). A copy of the first set in letters that no
model knows shows what is left where meaning finds nothing.
"""

import argparse
import json
import os
import random
import re
import statistics
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

MINUTE_S = 60.0
FIRST = 5
MODES = ("keyword", "semantic", "hybrid")
#: What must hold: hybrid against the better of its parts, and how often nonsense may be answered.
BELOW_BETTER, NONSENSE = 0.01, 0.04
#: How often a rare word must be found literally first.
RARE_FIRST = 0.95
_SENTENCE = re.compile(r"(?<=[.!?。！？])\s+")
#: Latin letters as letters of another script: words stay words, and no model has read them.
_UNKNOWN = str.maketrans(
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ",
    "աբգդեզէըթժիլխծկհձղճմյնշոչպԱԲԳԴԵԶԷԸԹԺԻԼԽԾԿՀՁՂՃՄՅՆՇՈՉՊ",
)
SUBJECTS = (
    "sourdough starter", "knitting a cardigan", "bicycle brake pads", "tomato seedlings", "cat litter", "a leaking tap",
    "guitar chords", "hiking boots", "a birthday cake", "car insurance", "lawn mowing", "dental floss", "ski bindings",
    "a crossword puzzle", "baby strollers", "curling irons", "dishwasher tablets", "houseplants", "parking tickets",
    "fishing lures", "garlic bread", "wallpaper paste", "yoga mats", "goldfish", "a squeaky door", "laundry stains",
    "chess openings", "wine corks", "nail polish", "lego bricks", "sunscreen", "a flat tyre", "pancake batter",
    "umbrella repair", "karaoke night", "jigsaw puzzles", "beard trimming", "sofa cushions", "ice skates", "hamsters",
)  # fmt: skip
FRAMES = ("how do I choose {}", "where did I leave my {}", "my neighbour complains about {}", "{} for beginners")
GIBBERISH = 40


@dataclass(frozen=True)
class Question:
    """What is asked, and where the answer is."""

    text: str
    file_id: int
    second: float
    paragraph: str


@dataclass
class Ranks:
    """Places (from 1) at which the right minute came; 0 where it did not come."""

    places: list[int] = field(default_factory=list)

    def at(self, first: int) -> float:
        return statistics.mean(0 < place <= first for place in self.places)

    @property
    def mrr(self) -> float:
        return statistics.mean(1 / place if place else 0.0 for place in self.places)

    def __str__(self) -> str:
        return f"{self.at(1):.3f} {self.at(FIRST):.3f} {self.mrr:.3f}"


def set_up(folder: Path) -> None:
    import django

    os.environ.update(
        DJANGO_SETTINGS_MODULE="novaproject.settings",
        NOVAPROJECT_ENV_FILE="",
        SECRET_KEY="only-for-a-bench",
        DATA_DIR=str(folder),
        DATABASE_URL=f"sqlite:///{folder / 'bench.db'}",
        LOG_LEVEL="WARNING",
        ALLOWED_HOSTS="*",
    )
    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)


def read(path: Path, change: Callable[[str], str] = str) -> list[list[tuple[str, list[str]]]]:
    """Articles of (paragraph, its questions)."""
    articles = json.loads(path.read_text("utf-8"))["data"]
    return [
        [(change(p["context"]), [change(qa["question"]) for qa in p["qas"]]) for p in article["paragraphs"]]
        for article in articles
    ]


def add(name: str, articles: Sequence[Sequence[tuple[str, list[str]]]]) -> list[Question]:
    """The set as recordings with transcripts, made findable by the verb itself. Returns its questions."""
    from embeddings.indexing.index import index_file
    from files.models import File, Root
    from transcription.models import Segment, Transcript

    root, is_new = Root.objects.get_or_create(path=f"/bench/{name}", defaults={"name": name})
    questions: list[Question] = []
    for number, article in enumerate(articles):
        path = f"recording {number}.mp4"
        facts = {"name": path, "media_type": "video", "size_bytes": 1, "duration_s": MINUTE_S * len(article)}
        file, _ = File.objects.get_or_create(root=root, path=path, defaults=facts)
        questions += [
            Question(text, file.pk, place * MINUTE_S, paragraph)
            for place, (paragraph, texts) in enumerate(article)
            for text in texts
        ]
        if not is_new:
            continue
        text = " ".join(paragraph for paragraph, _ in article)
        transcript = Transcript.objects.create(file=file, provider="sidecar", is_current=True, text=text)
        Segment.objects.bulk_create(
            Segment(transcript=transcript, index=index, start_s=start, end_s=end, text=said)
            for index, (start, end, said) in enumerate(cues(article))
        )
        index_file(file)
    return questions


def cues(article: Sequence[tuple[str, list[str]]]) -> Iterator[tuple[float, float, str]]:
    """Sentences, spread over their paragraph's minute."""
    for place, (paragraph, _) in enumerate(article):
        sentences = _SENTENCE.split(paragraph)
        each = (MINUTE_S - 4) / len(sentences)
        for number, sentence in enumerate(sentences):
            start = place * MINUTE_S + number * each
            yield start, start + each, sentence


def content_words(question: Question) -> str:
    from embeddings.words.query import parse

    return " ".join(" ".join(term.words) for term in parse(question.text).telling)


def other_words(question: Question) -> str:
    """The question without the words that its paragraph has, as far as two are left; else empty."""
    from embeddings.words.normalise import words, words_of
    from embeddings.words.query import STOP_WORDS

    said = set(words_of(question.paragraph)) - STOP_WORDS
    left = [question.text[word.start : word.end] for word in words(question.text) if word.text not in said]
    return " ".join(left) if len([word for word in left if word.casefold() not in STOP_WORDS]) > 1 else ""


def asked(text: str, question: Question, mode: str, root: str) -> int:
    """The place at which the question's minute comes among the moments of its set; 0 for nowhere."""
    from embeddings.searching.search import search

    results = search(text.replace('"', " "), mode=mode, limit=20, filters={"directory": [root]}).results
    for place, hit in enumerate(results, start=1):
        start_s = hit.start_s if hit.file_id == question.file_id else None
        if start_s is not None and question.second <= start_s < question.second + MINUTE_S:
            return place
    return 0


def measure(name: str, questions: Sequence[Question], count: int) -> dict[str, dict[str, Ranks]]:
    """Each way of asking, by mode."""
    root = f"/bench/{name}"
    sample = random.Random(1).sample(list(questions), min(count, len(questions)))
    ways: dict[str, Callable[[Question], str]] = {
        "as asked": lambda question: question.text,
        "content words": content_words,
        "other words": other_words,
    }
    table: dict[str, dict[str, Ranks]] = {}
    for way, say in ways.items():
        said = [(text, question) for question in sample if (text := say(question))]
        if not said:
            continue
        table[way] = {mode: Ranks([asked(text, q, mode, root) for text, q in said]) for mode in MODES}
        row = "   ".join(f"{mode} {ranks}" for mode, ranks in table[way].items())
        print(f"  {name:14} {way:14} n={len(said):<4} {row}", flush=True)
    return table


def nonsense() -> list[str]:
    """Questions about what is nowhere in such a library, and of words that are none."""
    own = random.Random(2)
    about = [frame.format(subject) for subject in SUBJECTS for frame in FRAMES]
    syllables = "ba ce di fo gu ha je ki lo mu na pe qui ro su ta ve wi xo zu".split()  # noqa: SIM905
    return about + [
        " ".join("".join(own.choices(syllables, k=own.randint(2, 4))) for _ in range(own.randint(2, 5)))
        for _ in range(GIBBERISH)
    ]


def rare_words(count: int) -> float:
    """How often a hybrid search for one rare word has a chunk with that very word first: a name is meant literally."""
    from embeddings.models import Chunk
    from embeddings.searching.search import search
    from embeddings.words.normalise import words_of

    spoken = Chunk.objects.filter(source_kind=Chunk.Kind.TRANSCRIPT).values_list("pk", "text")
    words = {pk: set(words_of(text)) for pk, text in spoken}
    frequency = Counter(word for said in words.values() for word in said)
    rare = sorted(word for word, chunks in frequency.items() if chunks <= 3 and len(word) >= 5 and word.isalpha())
    asked_for = random.Random(1).sample(rare, min(count, len(rare)))
    first = [(word, search(word, limit=1).results) for word in asked_for]
    return statistics.mean(bool(hits) and word in words.get(hits[0].chunk_id, ()) for word, hits in first)


def answered(mode: str, limit: int = 0) -> tuple[float, list[str]]:
    """The share of nonsense questions that get an answer, and some of these."""
    from embeddings.searching.search import search

    found = [text for text in nonsense() if search(text, mode=mode, limit=1).results]
    return len(found) / len(nonsense()), found[:5]


def run(paths: Sequence[Path], count: int) -> dict[str, Any]:
    from embeddings.indexing import spaces
    from embeddings.searching import calibration

    print("recall@1, recall@5, MRR; each set among its own recordings, all in one library")
    sets = {path.stem: add(path.stem, read(path)) for path in paths}
    sets["unknown"] = add("unknown", read(paths[0], lambda text: text.translate(_UNKNOWN)))
    calibration.learn(spaces.active())
    worst = 0.0
    for name, questions in sets.items():
        for modes in measure(name, questions, count).values():
            better = max(modes[mode].at(FIRST) for mode in ("keyword", "semantic"))
            worst = max(worst, better - modes["hybrid"].at(FIRST))
    rates = {}
    for mode in MODES:
        rates[mode], examples = answered(mode)
        print(f"  nonsense answered, {mode}: {rates[mode]:.3f}   {examples}")
    rare = rare_words(count)
    print(f"  one rare word, found literally first: {rare:.3f}")
    ok = rare >= RARE_FIRST and worst <= BELOW_BETTER and rates["hybrid"] <= NONSENSE and rates["semantic"] <= NONSENSE
    ratios = {
        "hybrid_below_better": round(worst, 4),
        "rare_word_first": round(rare, 4),
        **{f"nonsense_{mode}": rate for mode, rate in rates.items()},
    }
    return {"bench": "relevance", "ok": ok, "ratios": ratios, "n": count}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", nargs="+", type=Path, help="files of questions in SQuAD's form")
    parser.add_argument("--questions", type=int, default=300, help="of each set, at most")
    parser.add_argument("--keep", type=Path, help="a folder to keep the library in, for the next run")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bench-relevance-") as folder:
        place = options.keep or Path(folder)
        place.mkdir(parents=True, exist_ok=True)
        set_up(place)
        result = run(options.data, options.questions)
    print(json.dumps(result | {"cores": os.cpu_count()}))


if __name__ == "__main__":
    main()
