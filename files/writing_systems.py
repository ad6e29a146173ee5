"""Scripts that put no spaces between words. Pure."""

#: Inside of a character class: Thai and Lao, Burmese, Khmer, Japanese, Bopomofo, Han, and the narrow forms of Katakana.
#: Korean has spaces.
UNSPACED = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3005-\u3007\u3040-\u312f\u31a0-\u31bf\u31f0-\u31ff\u3400-\u4dbf"
    "\u4e00-\u9fff\uf900-\ufaff\uff66-\uff9f\U00020000-\U0003ffff"
)
