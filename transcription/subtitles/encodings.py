"""Text out of the bytes of a subtitle file whose encoding nobody wrote down. No Django here.

UTF-8 and UTF-16/32 give themselves away. Of the older encodings any may fit, and the wrong one turns a text into other
letters without a word: so each is tried, and judged by what it makes of the letters. charset-normalizer tells how much
the outcome looks like a language as a whole; on a few short lines it is often wrong (Czech as Baltic, KOI8 as
Japanese), so the alphabets of the languages decide first. What no encoding makes plausible is refused.
"""

import codecs
import re
import unicodedata
from dataclasses import dataclass

from charset_normalizer import from_bytes

from transcription.errors import BadSubtitlesError

#: What no language writes with plain ASCII, in lower case. Source: the languages' own alphabets.
ALPHABETS: dict[str, str] = {
    "de": "äöüß", "fr": "àâæçèéêëîïôœùûüÿ", "es": "áéíñóúü", "pt": "áâãàçéêíóôõú", "it": "àèéìíîòóùú", "nl": "ëïéèöüá",
    "da": "æøåé", "sv": "åäöé", "fi": "äöå", "is": "áðéíóúýþæö", "pl": "ąćęłńóśźż", "cs": "áčďéěíňóřšťúůýž",
    "sk": "áäčďéíĺľňóôŕšťúýž", "hu": "áéíóöőúüű", "ro": "ăâîșțşţ", "hr": "čćđšž", "tr": "çğıöşüâîûi̇", "et": "äöõüšž",
    "lv": "āčēģīķļņšūž", "lt": "ąčęėįšųūž", "ca": "àçèéíïòóúü·", "sq": "çë",
    "vi": "àáâãèéêìíòóôõùúýăđĩũơưạảấầẩẫậắằẳẵặẹẻẽếềểễệỉịọỏốồổỗộớờởỡợụủứừửữựỳỵỷỹ",
}  # fmt: skip
#: The letters that a script's languages use most, and the share of a text that they make at least.
FREQUENT: dict[str, tuple[str, float]] = {
    "CYRILLIC": ("оеаинтсрвлк", 0.55),
    "GREEK": ("αοιετσνηυρςάόίή", 0.6),
    "HEBREW": ("יוהלאמרתבשן", 0.55),
    "ARABIC": ("ايلمونرتبةهد", 0.55),
    "THAI": ("านรกอเงมยลวดทส้่ีัิ", 0.5),
    "HANGUL": ("이다는을에고가하의지은어나기를로사아도리니한요해그라시들안인있자것", 0.2),
    "HIRAGANA": ("のいにたるしとてはをがでなかまっすれさらあきこもくそよどおうだねちせりじん", 0.45),
    "CJK": (
        (
            "的一是不了人我在有他这個个们來来中大為为上国國地到以說说時时要就出会會可也你对對生能而子那得于着著下自之年过過发發"
            "后後作里裡用道行所然家种種事成方多经經么麼去法学學如都同现現当當没沒动動面起看定天分还還进進好小部其些主样樣理心她本前"
            "开開但因只从從想日军者意无無力它与與长長把机十民第公此已工使情明性知全三又关關点點正业外将兩两高间間由问問很最重并物手"
            "应應战向头頭文体體政美相见見被利什二等产或新己制身果加西斯月话話合回特代内信表化老给給世位次度门任常先海通教儿原东声提立"
            "及比员解水名真论处走义各入几口认條条平系气氣题活尔更别打女变变四神总何电数安少报才结反受目太量再感建务做接必场件計計早亲親"
            "爱愛朋友今花園園笑吃请請谢謝吗嗎呢吧啊哪谁誰让讓叫找回家走跟快跑等听聽懂孩爸妈媽哥姐弟妹啦哦嗯喂停车車路城市"
        ),
        0.3,
    ),
}
#: Encodings that people have, the likeliest first: of two that give the same text the first is named.
ENCODINGS: dict[str, tuple[str, ...]] = {
    "cp1252": ("en", "de", "fr", "es", "pt", "it", "nl", "da", "no", "nb", "sv", "fi", "is", "ca", "sq", "id", "ms"),
    "cp1250": ("pl", "cs", "sk", "hu", "ro", "hr", "sl", "bs", "sr", "de", "sq"),
    "cp1251": ("ru", "uk", "bg", "be", "sr", "mk", "kk", "mn"),
    "cp1253": ("el",), "cp1254": ("tr", "az"), "cp1255": ("he",), "cp1256": ("ar", "fa", "ur"),
    "cp1257": ("lv", "lt", "et"), "cp1258": ("vi",), "cp874": ("th",), "cp932": ("ja",), "gb18030": ("zh",),
    "big5": ("zh",), "cp949": ("ko",), "euc_jp": ("ja",), "koi8_r": ("ru", "bg"), "koi8_u": ("uk",),
    "iso8859_2": ("pl", "cs", "sk", "hu", "ro", "hr", "sl"), "iso8859_5": ("ru", "bg", "sr"), "iso8859_7": ("el",),
    "iso8859_9": ("tr",), "iso8859_15": ("fr", "fi", "de", "es"), "iso8859_6": ("ar",), "iso8859_8": ("he",),
    "cp866": ("ru", "be", "bg"), "cp1125": ("uk",), "cp852": ("pl", "cs", "sk", "hu", "hr"),
    "cp850": ("de", "fr", "es", "it", "pt"),
    "cp862": ("he",), "cp737": ("el",), "cp857": ("tr",), "mac_roman": ("de", "fr", "es", "it", "en"),
    "mac_latin2": ("pl", "cs", "hu"), "mac_cyrillic": ("ru",), "mac_greek": ("el",), "mac_turkish": ("tr",),
}  # fmt: skip
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_WITH_NULS = ("utf-32-le", "utf-32-be", "utf-16-le", "utf-16-be")
#: What a subtitle file has in any language.
_TELLTALE = re.compile(r"-->|WEBVTT|Dialogue:|\[Script Info\]|\d:\d\d")
#: Signs that stand between words in any language.
_USUAL_SIGNS = frozenset(
    "“”„‘’‚«»‹›–—…¿¡°€£©®™♪♫♬·•§№×½¼¾\u200e\u200f\u2028\xa0\xad、。「」『』（）！？，：；～・《》〈〉【】ー々"
)
#: Of these, what stands within a word.
_SIGNS_IN_WORDS = frozenset("‘’·–—\xad\u200e\u200f、。「」『』（）！？，：；～・《》〈〉【】ー々")
#: Chinese in plain ASCII (RFC 1843): pairs of signs between these.
_HZ = re.compile(rb"~\{(?:[!-~]{2})+~\}")
#: Letters of a script that are so few among Latin ones are accents that were read wrongly.
STRAY_SHARE = 12
#: What a text loses that has Japanese letters and is not read as Japanese.
KANA_ELSEWHERE = 0.2
#: A text is taken for UTF-8 with a few bad bytes in it where it has so many times more good sequences than bad ones.
GOOD_TO_BAD = 3
SAMPLE_BYTES = 40_000
#: Below this no encoding is believed.
LEAST_SCORE = 0.55
HINT_BONUS = 0.2
_KANA = re.compile("[\u3041-\u3096\u30a1-\u30fa]")
#: What an encoding loses for each that people have more often.
RARER = 0.0003
RARE_SHARE = 0.95


@dataclass(frozen=True)
class DecodedText:
    """The text, how it was encoded, and how many characters of it could not be read (U+FFFD stands for each)."""

    text: str
    encoding: str
    unreadable: int = 0


def decode(raw: bytes, *, language: str = "", name: str = "the subtitles") -> DecodedText:
    """The text of a subtitle file; `language` (a code such as `pl`) helps where the bytes alone leave it open.

    Raises BadSubtitlesError where no encoding gives words.
    """
    for mark, encoding in _MARKS:
        if raw.startswith(mark):
            return _decoded(raw, encoding)
    if b"\0" in raw:
        return decode_without_mark(raw, name)
    if b"\x1b$" in raw:
        return _decoded(raw, "iso2022_jp")
    if _HZ.search(raw) and raw.isascii():
        return _decoded(raw, "hz")
    try:
        return DecodedText(raw.decode("utf-8"), "utf-8")
    except UnicodeDecodeError:
        text = raw.decode("utf-8", errors="replace")
    bad = text.count("\ufffd")
    good = sum(character > "\x7f" for character in text) - bad
    if good >= GOOD_TO_BAD * bad:
        return DecodedText(text, "utf-8", bad)
    return _decoded(raw, find_older_encoding(raw, language, name))


def _decoded(raw: bytes, encoding: str) -> DecodedText:
    text = raw.decode(encoding, errors="replace")
    return DecodedText(text, encoding, text.count("\ufffd"))


def decode_without_mark(raw: bytes, name: str) -> DecodedText:
    """UTF-16 or 32 that does not say so: the one that shows what every subtitle file has."""
    for encoding in _WITH_NULS:
        decoded = _decoded(raw, encoding)
        if _TELLTALE.search(decoded.text) and decoded.unreadable * 20 <= len(decoded.text):
            return decoded
    raise BadSubtitlesError(f"{name} holds no subtitle that can be read: it is no text.")


def find_older_encoding(raw: bytes, language: str, name: str) -> str:
    """The encoding that makes the most plausible words of these bytes."""
    lines = [line for line in re.split(rb"[\r\n]+", raw) if any(byte > 0x7F for byte in line)]
    sample = b"\n".join(lines)[:SAMPLE_BYTES]
    base = language.partition("-")[0].lower()
    best, best_score, seen = "", -1.0, set()
    for rank, (encoding, languages) in enumerate(ENCODINGS.items()):
        text = sample.decode(encoding, errors="replace")
        if text in seen:
            continue
        seen.add(text)
        score = plausibility(text, base if base in languages else "") - RARER * rank
        if "ja" not in languages and _KANA.search(text):
            score -= KANA_ELSEWHERE
        if score + HINT_BONUS > max(best_score, LEAST_SCORE):  # this costs a hundred times the rest
            match = from_bytes(sample, cp_isolation=[encoding], threshold=1.0, enable_fallback=False).best()
            score += 0.1 * match.coherence if match else 0.0
        if base:
            score += HINT_BONUS if base in languages else 0.0
        if score > best_score:
            best, best_score = encoding, score
    if best_score < LEAST_SCORE:
        raise BadSubtitlesError(f"{name} is in an encoding that could not be found out.")
    return best


def plausibility(text: str, language: str = "") -> float:
    """From below 0 (no human wrote this) to 1 (all of it is some language's): judged by what is not ASCII."""
    strange = [index for index, character in enumerate(text) if character > "\x7f" and not character.isspace()]
    if not strange:
        return 0.0
    faults = sum(fault_at(text, index) for index in strange)
    cased = [text[index] for index in strange if text[index].lower() != text[index].upper()]
    is_shouted = len(cased) > 1 and all(character.isupper() for character in cased)  # Hebrew read as KOI8 is
    return _fit(text, language) - 2 * faults / len(strange) - 0.2 * is_shouted


def fault_at(text: str, index: int) -> float:
    """How wrong the character looks where it stands."""
    character = text[index]
    before, after = text[index - 1 : index], text[index + 1 : index + 2]
    kind = unicodedata.category(character)
    if kind in ("Cc", "Cn", "Co", "Cs") or character == "\ufffd":
        return 3.0
    if "HALFWIDTH KATAKANA" in unicodedata.name(character, ""):
        return 1.0
    if kind[0] in "LM":
        if (kind == "Lu" and before.islower()) or (character == "ς" and after.isalpha()):
            return 1.0
        scripts = {_script(other) for other in (before, character, after) if other.isalpha() or other == character}
        return 0.0 if len(scripts) == 1 or scripts <= _EAST_ASIAN else 1.0
    if character in (_SIGNS_IN_WORDS if before.isalpha() and after.isalpha() else _USUAL_SIGNS):
        return 0.0
    return 1.0 if before.isalpha() or after.isalpha() else 0.5


def _script(character: str) -> str:
    name = unicodedata.name(character, "").partition(" ")[0]
    return "HIRAGANA" if name == "KATAKANA" else name


_EAST_ASIAN = frozenset({"CJK", "HIRAGANA", "HANGUL", "LATIN", "FULLWIDTH", "KATAKANA-HIRAGANA"})


def _fit(text: str, language: str) -> float:
    """How well the letters that are not ASCII fit one language, or the languages of their script."""
    scripts: dict[str, list[str]] = {}
    for character in text.lower():
        if character > "\x7f" and unicodedata.category(character)[0] in "LM":
            scripts.setdefault(_script(character), []).append(character)
    total = sum(map(len, scripts.values()))
    if not total:
        return LEAST_SCORE  # only signs such as dashes and quotes
    fit = 0.0
    has_kana = "HIRAGANA" in scripts
    latin = sum(character.isascii() and character.isalpha() for character in text)
    for script, letters in scripts.items():
        if script in ("LATIN", "COMBINING"):
            # Turkish read as western letters is Icelandic letter by letter, and few have Icelandic files.
            fits = {
                name: sum(letter in alphabet for letter in letters) * (RARE_SHARE if name == "is" else 1)
                for name, alphabet in ALPHABETS.items()
            }
            fit += fits.get(language, max(fits.values()))
        elif script == "CJK" and has_kana:
            fit += len(letters)
        elif script in FREQUENT:
            frequent, least_share = FREQUENT[script]
            share = sum(letter in frequent for letter in letters) / len(letters)
            is_stray = latin > STRAY_SHARE * len(letters)
            fit += len(letters) * min(1.0, share / least_share) * (0.5 if is_stray else 1.0)
    return fit / total
