"""Which words and sentences of a transcript matter most. Pure: counting is enough for a first look."""

import math
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from files.writing_systems import UNSPACED

_UNSPACED = re.compile(f"[{UNSPACED}]")
_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)?", re.UNICODE)
SHORTEST_WORD = 4
#: Words too common to say anything, in five languages; only longer ones, the short ones fall anyway.
_COMMON_TEXT = """
    about above after again against also always among another anything around away back because been before
    being below between both came come could didn does doesn doing done down each either else even ever every
    everything from further gets getting give goes going gonna good gotta have haven having here herself himself
    home into itself just kind know less like little look made make makes making many maybe mean more most much
    must myself need never next nobody nothing only onto other ought ours over please really right said same
    says shall should since some somebody something still such sure take than that their theirs them themselves
    then there these they thing things think this those though through today together told took toward under
    until upon very want wanna wants wasn well went were what whatever when where whether which while whole whom
    whose will with within without would yeah your yours able almost already although anybody anyone anyway
    asked asking asks believe better call called calls enough everybody everyone exactly feel feels felt find
    finds found given gives gone guess happen happened happens hear heard hello help keep keeps kept knew knows
    leave left looked looking looks means might nice okay perhaps probably quite seem seems show shows sorry
    start started stop sort stuff talk talked talking tell telling tells thank thanks thought tried tries trying
    turn turned used using wanted
    aber alle allem allen aller alles andere auch beim bist damit dann dass dein deine denn dies diese diesem
    diesen dieser dieses doch dort durch eine einem einen einer eines etwas euch euer gegen habe haben hast
    hatte hier ihre ihrem ihren ihrer immer jede jedem jeden jeder jedes jetzt kann kein keine können machen
    manche mehr mein meine mich muss nach nicht nichts noch oder ohne sehr sein seine selbst sich sind soll
    sollte sondern sonst über unser unter viel während waren warum weil weiter welche wenn werde werden wieder
    wird wirst wollen würde zwar zwischen avec avoir cette comme dans depuis donc elle elles encore entre être
    fait faire leur leurs mais même nous notre parce pour quand quel quelle sans sont sous suis tous tout toute
    très vous votre algo algunos antes como cuando desde donde durante ella ellas ellos eran esta estado estas
    este esto estos hacia hasta había mucho muchos nada nosotros nuestra otra otro para pero porque quien sobre
    somos también tanto tiene todo todos unos usted
"""
COMMON = frozenset(_COMMON_TEXT.split())


@dataclass(frozen=True)
class Weighed:
    """A sentence with how much it says of the whole, the more the better."""

    index: int
    text: str
    weight: float


def words_of(text: str) -> list[str]:
    """The words that may matter, in lower case and in order; of what an apostrophe joins the longer part.

    None where a script has no spaces: where a word ends would be a guess.
    """
    joined = (match.group().lower().replace("’", "'") for match in _WORD.finditer(text))
    found = (max(word.split("'"), key=len) for word in joined)
    return [word for word in found if len(word) >= SHORTEST_WORD and word not in COMMON and not _UNSPACED.search(word)]


def weigh(sentences: Sequence[str]) -> list[Weighed]:
    """Each sentence by the mean weight of its words; words said in several sentences weigh more."""
    bags = [words_of(sentence) for sentence in sentences]
    spread = Counter(word for bag in bags for word in set(bag))
    # The square root keeps long sentences from winning by length alone, and short ones by a single lucky word.
    weights = [sum(math.log1p(spread[word]) for word in set(bag)) / math.sqrt(len(bag) + 2) for bag in bags]
    return [Weighed(index, sentences[index], weight) for index, weight in enumerate(weights)]


def best(sentences: Sequence[str], count: int) -> list[str]:
    """The `count` sentences that say most, in the order in which they were said."""
    chosen = sorted(weigh(sentences), key=lambda weighed: (-weighed.weight, weighed.index))[:count]
    return [weighed.text for weighed in sorted(chosen, key=lambda weighed: weighed.index)]


def keywords(sentences: Sequence[str], count: int) -> list[str]:
    """The words said most often, each at least once; those said as often in the order of their first time."""
    spoken = [word for sentence in sentences for word in words_of(sentence)]
    counts = Counter(spoken)
    first: dict[str, int] = {}
    for position, word in enumerate(spoken):
        first.setdefault(word, position)
    return sorted(counts, key=lambda word: (-counts[word], first[word]))[:count]
