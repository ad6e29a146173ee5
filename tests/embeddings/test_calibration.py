"""What a space is worth is learnt from the library itself."""

import pytest

from embeddings.indexing import index, spaces
from embeddings.models import Calibration
from embeddings.registry import provider_for
from embeddings.searching import calibration
from embeddings.searching.search import search
from embeddings.vectors import Floats
from tests.embeddings.conftest import MakeFile, say
from tests.embeddings.fakes import WordsProvider

FILES, LINES = 12, 8


def talk(subject: int, line: int) -> str:
    """A line that has words with its neighbours in common, and none with other recordings."""
    return f"w{subject}x{line} w{subject}x{line + 1} w{subject}x{line + 2} s{subject}."


@pytest.fixture
def talks(make_file: MakeFile) -> None:
    for subject in range(FILES):
        file = make_file(f"talk-{subject}.mp4")
        say(file, [(60.0 * line, 60.0 * line + 5, talk(subject, line)) for line in range(LINES)])
        index.index_file(file)


def question(text: str) -> Floats:
    vector: Floats = WordsProvider(spaces.active().key).embed([text], purpose="query")[0]
    return vector


@pytest.mark.usefixtures("talks")
def test_a_space_that_puts_neighbours_near_is_trusted() -> None:
    space = spaces.active()

    assert calibration.learn_if_due(space)

    reach = calibration.reach_of(space, question("w3x4 w3x5"))
    assert reach.trust > 0.8
    assert reach.is_calibrated
    assert reach.floor >= WordsProvider.floor
    assert reach.standing_out(0.9) > 2


@pytest.mark.usefixtures("db")
def test_a_space_whose_neighbours_are_chance_is_not(make_file: MakeFile) -> None:
    for subject in range(FILES):
        file = make_file(f"noise-{subject}.mp4")
        say(file, [(60.0 * line, 60.0 * line + 5, f"n{subject}x{line} m{line}x{subject}.") for line in range(LINES)])
        index.index_file(file)
    space = spaces.active()

    calibration.learn(space)

    assert calibration.reach_of(space, question("n3x4 m4x3")).trust < 0.4


@pytest.mark.usefixtures("talks")
def test_it_is_learnt_again_only_when_the_library_has_grown(make_file: MakeFile) -> None:
    space = spaces.active()
    assert calibration.learn_if_due(space)
    assert not calibration.learn_if_due(space)
    first = Calibration.objects.get().vectors

    for subject in range(FILES, 2 * FILES):
        file = make_file(f"more-{subject}.mp4")
        say(file, [(60.0 * line, 60.0 * line + 5, talk(subject, line)) for line in range(LINES)])
        index.index_file(file)

    assert calibration.learn_if_due(space)
    assert Calibration.objects.get().vectors > first * calibration.GROWN
    assert calibration.reach_of(space, question("w20x4")).trust > 0.8


def test_of_a_few_texts_nothing_is_learnt(make_file: MakeFile) -> None:
    file = make_file("a.mp4")
    say(file, [(0.0, 2.0, "a leak at the liner seam")])
    index.index_file(file)

    assert not calibration.learn_if_due(spaces.active())
    assert not calibration.reach_of(spaces.active(), question("leak")).is_calibrated
    assert search("leak liner").results


@pytest.mark.usefixtures("talks")
def test_learning_asks_a_paid_model_nothing(settings: object) -> None:
    space = spaces.active()
    WordsProvider.asked.clear()
    provider = provider_for(space.key)
    provider.is_paid = True  # type: ignore[misc]

    calibration.learn(space)

    assert WordsProvider.asked == []
    assert not calibration.reach_of(space, question("w3x4")).is_calibrated


@pytest.mark.usefixtures("talks")
@pytest.mark.parametrize("mode", ["semantic", "hybrid"])
def test_nonsense_finds_nothing_and_what_is_said_is_found(mode: str) -> None:
    calibration.learn(spaces.active())

    assert search("blorf gnarp zzyzx", mode=mode).results == []
    assert search("w3x4 w3x5 w3x6", mode=mode).results[0].start_s == 240.0
