"""Everyday questions that a library seldom answers: what they reach is chance."""

QUESTIONS = tuple(
    """how often should I water an orchid
my neighbour's dog barks all night
which shoes go with a grey suit
the bus was late again this morning
recipe for lentil soup without onions
how to unclog a kitchen sink
do I need a visa for a short holiday
where can I buy cheap picture frames
my printer prints blank pages
best way to fold fitted sheets
how long do boiled eggs keep
the zip of my jacket is broken
is it too early to plant garlic
a present for my grandmother's birthday
how to get candle wax out of a tablecloth
my phone does not charge any more
which vacuum cleaner is good for carpets
how to sew on a button
the coffee machine needs descaling
rules of the card game with two jokers
when does the swimming pool open
how to make a paper aeroplane
my contact lenses feel dry
a hotel with a sauna near the lake
how to stop hiccups quickly
the washing powder is on the top shelf
can rabbits eat cucumber
train tickets for two adults and a child
how to sharpen kitchen knives
a stain of red wine on the sofa
the lift is out of order again
which glue holds on plastic
""".strip().splitlines()
)
