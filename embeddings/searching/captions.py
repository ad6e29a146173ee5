"""Captions that have nothing to do with any library: what a picture's likeness to a question is measured against.

Words without a meaning, and things that hardly any camera sees. That a few of them are somewhere in a library does no
harm. A change here is another floor for every space: it is learnt again.
"""

UNRELATED = (
    "qwertz uiop", "xyzzy", "lorem ipsum dolor sit amet", "the of and to in", "error 404", "null pointer", "asdf",
    "zzz", "blorf gnarp", "untitled document", "a number", "an opinion", "a rumour about nobody",
    "the square root of two",
    "tax law of a country that is no more", "a medieval plague doctor on a spaceship", "a nuclear reactor core",
    "the surface of Jupiter", "a trilobite", "an atom splitting", "a cuneiform tablet", "a walrus playing the organ",
    "a coral reef in a desert", "a submarine under the ice", "a knight fighting a snail", "the inside of a volcano",
    "an electron microscope picture of a virus", "a map of the London underground", "the stock market in 1929",
    "a sarcophagus", "an astrolabe", "a narwhal", "a loom", "a guillotine", "a zeppelin on fire",
    "an hourglass of sand",
    "a chess grandmaster", "a pagoda made of glass", "a herd of mammoths", "a page of sheet music",
)  # fmt: skip
