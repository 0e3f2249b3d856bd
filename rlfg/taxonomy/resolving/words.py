"""Words that say nothing of the taxon, by where they may stand; all as `normalize` writes them."""

from __future__ import annotations

import re

from rlfg.taxonomy.resolving.wordset import word_set

LEADING = word_set(
    """
    a an the this that these those it its it's is are was be to in of as at here there i im id we think believe
    guess suspect my our answer final prediction identification label title caption image picture photo photograph
    shows show showing depicts depicting featuring features appears seems looks look looking like kind type sort
    species member members belonging belongs some one any called named known definitely certainly clearly obviously
    actually apparently probably possibly perhaps maybe likely most presumably potentially probable possible so well
    yes ok okay hmm sure or either whether and am pair couple slice bowl plate piece serving cup glass flock group
    bunch two three identified classified recognized recognised identify main subject object visible pictured shown
    breed purebred cf aff unidentified indeterminate undetermined from specifically het der die das ein eine un une
    le la les el los las uno una
    """
)
"""May stand before a name, in any number."""
LEADING_PHRASES = re.compile(
    r"^(?:(?:the )?(?:common|scientific|latin|english|full|species|binomial|breed) names?(?: of \w+(?: \w+)?)?(?: is)?"
    r"|(?:it |this |that |which )?(?:may|might|could|must|would|should|can|will) (?:well |also |possibly |probably )?be"
    r"|(?:i|we) (?:would|can|could|will|d)(?: (?:say|see|guess|call|identify))?(?: (?:it|this))?"
    r"|id say|you (?:can )?see"
    r"|(?:in )?my (?:best )?(?:guess|opinion)|at a guess|(?:with|in) (?:high|low|moderate|medium) confidence"
    r"|(?:im|i am) (?:\d+ (?:percent )?)?(?:very |fairly |quite |pretty )?"
    r"(?:confident|sure|certain)(?: (?:that|about))?"
    r"|best guess|close up|portrait|make and model"
    r") "
)
OPENERS = word_set(
    """
    the common scientific latin english full species binomial breed name names it this that which may might could
    must would should can will i we id you in my at with best close portrait make im
    """
)
"""First words of `LEADING_PHRASES`, which are `LEADING` words that could be part of a name when they stand alone."""
TRAILING = word_set(
    """
    sp spp ssp species breed perhaps probably possibly maybe likely presumably apparently definitely certainly here
    please thanks too though shown pictured visible image picture photo i think believe guess indet indeterminate
    unidentified individual specimen
    """
)
"""May stand after a name, in any number."""
SEX_AND_AGE = word_set(
    """
    male males female females juvenile juveniles immature adult adults young baby babies subadult fledgling
    fledglings nestling nestlings hatchling breeding nonbreeding mature fledged newborn
    """
)
"""May stand on either side of a name."""
YOUNG_AND_SEXED = word_set(
    """
    chick chicks puppy puppies pup pups kitten kittens drake hen cub cubs foal caterpillar larva
    """
)
"""May stand after a name, but before one they are part of it ("Hen Harrier")."""
NEUTRAL = word_set(
    """
    large small big tiny beautiful cute pretty lovely colorful colourful wild domestic typical single lone
    """
)
"""Adjectives that may stand before the name of a leaf or the root, and of nothing in between: a "Large Ground
Finch" is a species of its own."""
SIZES = word_set("large big wild")
"""Those of them that may not stand before the noun of a domain: a big cat and a wild dog are no cat and no dog."""
COLOURS_AND_AGES = word_set(
    """
    make manufacturer model year trim body red blue white black silver grey gray green yellow orange brown gold golden
    beige maroon purple new old used classic modern vintage
    """
)
"""May stand before the name of a product, as may what a part of it is called."""
RANKS = word_set(
    """
    kingdom phylum class order suborder infraorder superfamily family subfamily tribe genus subgenus species
    subspecies families genera orders
    """
)
RANK_OF = {"families": "family", "genera": "genus", "orders": "order"}
SAME_NOUN = {
    "puppy": "dog", "puppies": "dog", "pup": "dog", "canine": "dog", "doggo": "dog",
    "kitten": "cat", "kittens": "cat", "kitty": "cat", "feline": "cat",
    "automobile": "car", "vehicle": "car", "airplane": "aircraft", "plane": "aircraft", "aeroplane": "aircraft",
    "blossom": "flower", "bloom": "flower", "wildflower": "flower", "avian": "bird",
}  # fmt: skip
"""Nouns for a whole domain → the one a taxonomy is likely to use."""

_PLANT = """flower flowers plant plants blossom blossoms bloom blooms wildflower wildflowers shrub herb tree weed vine
    houseplant"""
_DOG, _CAT = "dog dogs puppy puppies pup hound canine", "cat cats kitten kittens feline kitty"
_MOTOR = "car cars vehicle automobile auto truck pickup suv van"
_BIRD = """bird birds songbird songbirds seabird seabirds shorebird waterbird waterfowl duck ducks fowl raptor passerine
    avian"""
_FLYER = "aircraft airplane aeroplane plane jet airliner helicopter"
_DOMAINS: dict[str, str] = {
    "bird birds aves": _BIRD,
    "dog dogs canidae canis_familiaris canis_lupus_familiaris domestic_dog": _DOG,
    "cat cats felidae felis_catus domestic_cat": _CAT,
    "pet pets": f"{_DOG} {_CAT} pet pets animal",
    "plant plants plantae flower flowers flora": _PLANT,
    "car cars vehicle vehicles automobile automobiles": _MOTOR,
    "aircraft airplane airplanes plane planes": _FLYER,
    "fish fishes actinopterygii": "fish fishes",
    "insect insects insecta": "insect insects bug bugs",
    "butterfly butterflies lepidoptera": "butterfly butterflies moth moths",
    "mammal mammals mammalia": "mammal mammals",
    "reptile reptiles reptilia": "reptile reptiles",
    "fungus fungi": "mushroom mushrooms fungus fungi",
    "food foods dish dishes": "dish food meal dessert",
    "animal animals animalia": "animal animals creature",
}
NOUNS_OF: dict[str, frozenset[str]] = {
    name.replace("_", " "): frozenset(nouns.split()) for names, nouns in _DOMAINS.items() for name in names.split()
}
"""Name of a taxon → the nouns that may be put beside the name of anything in it ("Mallard duck", "iris flower")."""
NOUNS = frozenset().union(*NOUNS_OF.values())
