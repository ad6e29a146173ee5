"""Encodings are found out, helped by the language, or refused: nothing unreadable goes into the index."""

import pytest

from transcription.errors import BadSubtitlesError
from transcription.subtitles.encodings import decode

SPOKEN = {
    "ru": "Где ты был вчера? Я не знаю, что делать.",
    "uk": "Де ти був учора? Я не знаю, що робити з цією їжею.",
    "pl": "Gdzie byłeś wczoraj? Proszę, wróć wcześniej.",
    "cs": "Kde jsi byl včera? Příště přijď dřív.",
    "hu": "Hol voltál tegnap? Kérlek, ő is jöjjön előbb.",
    "de": "Ich weiß nicht, was ich tun soll. Schöne Grüße an die Mädchen.",
    "fr": "Je ne sais pas où il était. C’est déjà l’été, ça va.",
    "tr": "Ne yapacağımı bilmiyorum. Şimdi işe gidiyorum.",
    "lt": "Aš nežinau, ką daryti. Ačiū už viską, jūs geri žmonės.",
    "el": "Πού ήσουν χθες; Δεν ξέρω τι να κάνω.",
    "he": "איפה היית אתמול? אני לא יודע מה לעשות.",
    "ar": "أين كنت أمس؟ لا أعرف ماذا أفعل.",
    "th": "เมื่อวานคุณอยู่ที่ไหน ฉันไม่รู้จะทำอย่างไร",
    "ja": "昨日はどこにいたの？どうすればいいか分からない。",
    "ko": "어제 어디 있었어? 어떻게 해야 할지 모르겠어요.",
    "zh": "你昨天去哪儿了？我不知道该怎么办。",
    "zh-TW": "你昨天去哪裡了？我不知道該怎麼辦。",
}
ENCODINGS = {
    "ru": ["cp1251", "koi8_r", "cp866", "iso8859_5"], "uk": ["cp1251", "koi8_u"], "pl": ["cp1250", "iso8859_2"],
    "cs": ["cp1250", "iso8859_2"], "hu": ["cp1250", "iso8859_2"], "de": ["cp1252", "cp850", "mac_roman"],
    "fr": ["cp1252"], "tr": ["cp1254"], "lt": ["cp1257"], "el": ["cp1253", "iso8859_7"], "he": ["cp1255"],
    "ar": ["cp1256", "iso8859_6"], "th": ["cp874"], "ja": ["cp932", "euc_jp", "iso2022_jp"], "ko": ["euc_kr"],
    "zh": ["gbk"], "zh-TW": ["big5"],
}  # fmt: skip
CASES = [(language, encoding) for language, encodings in ENCODINGS.items() for encoding in encodings]


def as_srt(text: str) -> str:
    return f"1\r\n00:00:01,000 --> 00:00:03,000\r\n{text}\r\n"


@pytest.mark.parametrize("is_hinted", [False, True], ids=["unhinted", "hinted"])
@pytest.mark.parametrize(("language", "encoding"), CASES)
def test_older_encodings_are_found_out(language: str, encoding: str, is_hinted: bool) -> None:
    text = as_srt(SPOKEN[language])

    assert decode(text.encode(encoding), language=language if is_hinted else "").text == text


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be"]
)
@pytest.mark.parametrize("language", SPOKEN)
def test_unicode_is_read_with_and_without_a_mark(language: str, encoding: str) -> None:
    text = as_srt(SPOKEN[language])

    assert decode(text.encode(encoding)).text == text


def test_a_few_bad_bytes_in_utf_8_stay_bad_characters() -> None:
    raw = as_srt(SPOKEN["ru"]).encode()
    damaged = raw.replace(b"?", b"?\xff")

    decoded = decode(damaged)

    assert (decoded.encoding, decoded.unreadable) == ("utf-8", 1)
    assert decoded.text.replace("\ufffd", "") == as_srt(SPOKEN["ru"])


@pytest.mark.parametrize(
    ("encoding", "text"),
    [
        ("hz", "晚上好，欢迎收看。"),
        ("cp1255", "ערב טוב וברוכים הבאים."),
        ("euc_jp", "こんばんは、ようこそ。\r\n明日は全国的に良い天気になるでしょう。"),
    ],
)
def test_rarer_ones_and_few_words_are_found_out_too(encoding: str, text: str) -> None:
    assert decode(as_srt(text).encode(encoding)).text == as_srt(text)


def test_accents_that_were_read_wrongly_are_no_letters_of_another_script() -> None:
    decoded = decode(as_srt("Bonsoir et bienvenue à tous.").encode("mac_roman"))

    assert not any("\u0400" <= character <= "\u04ff" for character in decoded.text)


def test_the_language_decides_where_bytes_alone_do_not() -> None:
    raw = as_srt("Köszönöm, őszintén").encode("cp1250")

    assert "őszintén" in decode(raw, language="hu").text


def test_ukrainian_of_dos_is_known_by_its_language() -> None:
    text = as_srt("Добрий вечір, вітаємо вас. Її їжак їсть яблука.")

    assert decode(text.encode("cp1125"), language="uk").text == text


@pytest.mark.parametrize(
    "raw", [bytes(range(128, 256)) * 3, b"1\n00:00:01,000 --> 00:00:02,000\n" + b"\xfd\xb2\x9c\xd7\x81\xe0\x90" * 9]
)
def test_what_makes_no_words_is_refused(raw: bytes) -> None:
    with pytest.raises(BadSubtitlesError, match="encoding"):
        decode(raw)


def test_bytes_that_are_no_text_are_refused() -> None:
    with pytest.raises(BadSubtitlesError, match="no text"):
        decode(b"\x00\x01\x02 nothing")
