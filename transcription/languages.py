"""Languages by code and by name, and tags in the form of BCP 47. No Django here.

Source: ISO 639-1 and 639-2 (both of its codes where there are two), and the languages' own names.
"""

import re
import unicodedata

#: Two letters (three where there are no two), the other codes, and the names, in English and in the language itself.
_TABLE = """
af afr Afrikaans
am amh Amharic አማርኛ; ar ara Arabic العربية; as asm Assamese; az aze Azerbaijani Azərbaycan; ba bak Bashkir
be bel Belarusian Беларуская; bg bul Bulgarian Български; bn ben Bengali বাংলা; bo tib bod Tibetan; br bre Breton
bs bos Bosnian Bosanski; ca cat Catalan Català; cs cze ces Czech Čeština; cy wel cym Welsh Cymraeg; da dan Danish Dansk
de ger deu German Deutsch; el gre ell Greek Ελληνικά; en eng English; eo epo Esperanto
es spa Spanish Español Castellano
et est Estonian Eesti; eu baq eus Basque Euskara; fa per fas Persian Farsi فارسی; fi fin Finnish Suomi; fo fao Faroese
fr fre fra French Français; ga gle Irish Gaeilge; gd gla Gaelic; gl glg Galician Galego; gu guj Gujarati ગુજરાતી
ha hau Hausa; haw haw Hawaiian; he heb iw Hebrew עברית; hi hin Hindi हिन्दी; hr hrv Croatian Hrvatski; ht hat Haitian
hu hun Hungarian Magyar; hy arm hye Armenian Հայերեն; id ind in Indonesian Indonesia; is ice isl Icelandic Íslenska
it ita Italian Italiano; ja jpn Japanese 日本語; jv jav jw Javanese; ka geo kat Georgian ქართული; kk kaz Kazakh Қазақша
km khm Khmer ខ្មែរ; kn kan Kannada ಕನ್ನಡ; ko kor Korean 한국어; ku kur Kurdish; la lat Latin; lb ltz Luxembourgish
ln lin Lingala; lo lao Lao ລາວ; lt lit Lithuanian Lietuvių; lv lav Latvian Latviešu; mg mlg Malagasy; mi mao mri Maori
mk mac mkd Macedonian Македонски; ml mal Malayalam മലയാളം; mn mon Mongolian Монгол; mr mar Marathi मराठी
ms may msa Malay Melayu; mt mlt Maltese Malti; my bur mya Burmese မြန်မာ; nb nob Bokmål; ne nep Nepali नेपाली
nl dut nld Dutch Nederlands Flemish; nn nno Nynorsk; no nor Norwegian Norsk; oc oci Occitan; pa pan Punjabi ਪੰਜਾਬੀ
pl pol Polish Polski; ps pus Pashto; pt por Portuguese Português; ro rum ron mo Romanian Română; ru rus Russian Русский
sa san Sanskrit; sd snd Sindhi; si sin Sinhala සිංහල; sk slo slk Slovak Slovenčina; sl slv Slovenian Slovenščina
sn sna Shona; so som Somali; sq alb sqi Albanian Shqip; sr srp Serbian Српски; su sun Sundanese; sv swe Swedish Svenska
sw swa Swahili Kiswahili; ta tam Tamil தமிழ்; te tel Telugu తెలుగు; tg tgk Tajik; th tha Thai ไทย; tk tuk Turkmen
tl tgl fil Tagalog Filipino; tr tur Turkish Türkçe; tt tat Tatar; uk ukr Ukrainian Українська; ur urd Urdu اردو
uz uzb Uzbek; vi vie Vietnamese Tiếng-Việt; xh xho Xhosa; yi yid Yiddish; yo yor Yoruba; yue yue Cantonese 粵語
zh chi zho cmn Chinese Mandarin 中文 汉语 简体中文 繁體中文; zu zul Zulu
"""
_TAG = re.compile(r"([a-z]{2,3})((?:-[a-z]{3})?)((?:-[a-z]{4})?)((?:-(?:[a-z]{2}|\d{3}))?)((?:-[a-z0-9]{5,8})*)")


def fold(text: str) -> str:
    """The form in which names are compared: composed (NFC), and without the case of letters."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", text).casefold())


_CODES: dict[str, str] = {}
_NAMES: dict[str, str] = {}
#: Code -> English name.
NAMES: dict[str, str] = {}
for _entry in _TABLE.replace("\n", ";").split(";"):
    if _entry.strip():
        _code, *_rest = _entry.split()
        _CODES[_code] = _code
        for _word in _rest:
            if re.fullmatch(r"[a-z]{2,3}", _word):
                _CODES[_word] = _code
            else:
                NAMES.setdefault(_code, _word)
                _NAMES[fold(_word.replace("-", " "))] = _code


def language_tag(text: str) -> str | None:
    """`pt-BR` for `pt_br`, `por-BR`; `en` for `eng` and `English`; None for what names no language that is known."""
    words = fold(text).replace("_", "-").strip()
    if words in _NAMES:
        return _NAMES[words]
    match = _TAG.fullmatch(words)
    code = _CODES.get(match[1]) if match else None
    if match is None or code is None:
        return None
    return code + match[2] + match[3].title() + match[4].upper() + match[5]


def base_language(tag: str) -> str:
    """`pt` of `pt-BR`."""
    return tag.partition("-")[0].lower()


def language_name(tag: str) -> str:
    """`Portuguese (BR)` for `pt-BR`; the tag itself where the language has no name here."""
    name = NAMES.get(base_language(tag))
    if name is None:
        return tag
    rest = tag.partition("-")[2]
    return f"{name} ({rest})" if rest else name
