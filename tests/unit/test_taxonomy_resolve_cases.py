"""What the resolver makes of answers as models write them, by kind, on the built-in hierarchies and on toys."""

from __future__ import annotations

import pytest

from rlfg.errors import RlfgError
from rlfg.taxonomy import PROFILES, Taxonomy, load_taxonomy, profile_of, resolve, taxonomy_from_lineages
from rlfg.taxonomy.resolving import MOST_CHARACTERS, find_group_nouns

HERRING, WESTERN, MALLARD = "Larus argentatus", "Larus occidentalis", "Anas platyrhynchos"
GULLS, TERNS = "Larus|Pagophila|Rissa", "Chlidonias|Hydroprogne|Sterna|Sternula|Thalasseus"
BIRDS = {
    "binomials": {
        "Larus argentatus Pontoppidan, 1763": f"parsed {HERRING}",
        "Larus argentatus (Pontoppidan, 1763)": f"parsed {HERRING}",
        "L. californicus": "parsed Larus californicus",
        "Larus californicus F.H. Lawr.": "parsed Larus californicus",
        "Larus californicus albertaensis": "parsed Larus californicus",
        "Larus sp.": "parsed Larus",
        "Larus spp": "parsed Larus",
        "gull sp.": f"parsed {GULLS}",
        "Setophaga fusca": "unresolved",
        "Larus argentatus x Larus occidentalis": f"several {HERRING}|{WESTERN}",
        "Mallard x Gadwall hybrid": f"several {MALLARD}|Mareca strepera",
    },
    "brackets": {
        "Herring Gull (Larus argentatus)": f"parsed {HERRING}",
        "Larus argentatus (Herring Gull)": f"parsed {HERRING}",
        "Herring Gull (Laridae)": f"parsed {HERRING}",
        "Herring Gull (female)": f"parsed {HERRING}",
        "Herring Gull (95% confidence)": f"parsed {HERRING}",
        "Gull (Herring Gull)": f"parsed {HERRING}",
        "Herring Gull (Western Gull)": f"several {HERRING}|{WESTERN}",
        "Herring Gull (or Western Gull)": f"several {HERRING}|{WESTERN}",
        "Sterna hirundo": "exact Sterna hirundo",
        "Silver thing (Larus argentatus)": f"parsed {HERRING}",
        "Blackburnian Warbler (Setophaga fusca)": "unresolved",
        "Blackburnian Warbler (Parulidae)": "unresolved",
        "Blackburnian Warbler (black, white or orange)": "unresolved",
        "Herring Gull (grey back, pink legs and yellow bill)": f"parsed {HERRING}",
        "Warbler (Setophaga fusca)": "unresolved",
        "A gull, specifically a Laughing Gull": f"several {GULLS}",
        "A gull, specifically a Herring Gull": f"parsed {HERRING}",
        "Herring Gull, also known as Larus argentatus": f"parsed {HERRING}",
    },
    "words beside the name": {
        "a Mallard": f"parsed {MALLARD}",
        "female Mallard": f"parsed {MALLARD}",
        "a Mallard drake": f"parsed {MALLARD}",
        "a pair of Mallards": f"parsed {MALLARD}",
        "Mallard duck": f"vernacular {MALLARD}",
        "Mallard bird": f"parsed {MALLARD}",
        "Mallard fish": "unresolved",
        "Mallard flower": "unresolved",
        "a large Herring Gull": f"parsed {HERRING}",
        "An immature Herring Gull standing on a beach": f"parsed {HERRING}",
        "Barn Swallow in flight": "parsed Hirundo rustica",
        "Herring Gull from the harbour": "unresolved",
        "The bird in the image is a Hawaiian Goose": "unresolved",
        "The bird in the image is brown": "parsed bird",
        "This is an image of a Mallard swimming in a pond.": f"parsed {MALLARD}",
        "It is a Mallard because of its green head": f"parsed {MALLARD}",
        "This is a Herring Gull. It has grey wings.": f"parsed {HERRING}",
        "The bird in the image is a Northern Flicker, recognizable by its black bib.": "parsed Colaptes auratus",
        "Answer: **Herring Gull**": f"parsed {HERRING}",
        '{"species": "Herring Gull"}': f"parsed {HERRING}",
        "1. Herring Gull": f"vernacular {HERRING}",
        "Gull, Herring": f"parsed {HERRING}",
        "Species: Herring Gull\nFamily: Laridae": f"parsed {HERRING}",
        "Herring Gull Larus argentatus": f"parsed {HERRING}",
    },
    "spelling": {
        "Mallards": f"parsed {MALLARD}",
        "Great gray shrikes": "parsed Lanius excubitor",
        "greatgrayshrike": "parsed Lanius excubitor",
        "blue jays": "parsed Cyanocitta cristata",
        "bluejay": "parsed Cyanocitta cristata",
        "Brewers Blackbird": "vernacular Euphagus cyanocephalus",
        "Brewer’s Blackbird": "vernacular Euphagus cyanocephalus",
        "blackfootedalbatross": "parsed Phoebastria nigripes",
        "black throated-sparrow": "vernacular Amphispiza bilineata",
        "Hérring Güll": f"vernacular {HERRING}",
        "Cerulian Warbler": "fuzzy Setophaga cerulea",
        "Prothonatary Warbler": "fuzzy Protonotaria citrea",
        "Rubythroated Humingbird": "fuzzy Archilochus colubris",
        "a female Amercan Goldfinch": "fuzzy Spinus tristis",
    },
    "names that are none": {
        "Pink-bellied Finch": "unresolved",
        "Pink Warbler": "unresolved",
        "African Goldfinch": "unresolved",
        "Eastern Gull": "unresolved",
        "Horned Merganser": "unresolved",
        "Blackburnian Warbler": "unresolved",
        "Black-headed Gull": "unresolved",
        "Green-backed Warbler": "unresolved",
        "Hen Harrier": "unresolved",
        "Common Merganser": "unresolved",
        "Large Gull": "unresolved",
        "gull-like bird": "unresolved",
        "Mallardling": "unresolved",
        "a small brown bird": "unresolved",
        "Herring Gull and a fish": "unresolved",
    },
    "ranks and groups": {
        "family Laridae": "parsed Laridae",
        "the gull family": "parsed Laridae",
        "genus Larus": "parsed Larus",
        "a kind of gull": f"parsed {GULLS}",
        "a member of the family Laridae": "parsed Laridae",
        "Gull": f"vernacular {GULLS}",
        "sparrow": "vernacular Passerellidae|Passeridae",
        "warblers": "vernacular Parulidae",
        "merganser duck": "parsed Lophodytes|Mergus",
        "This is a bird": "parsed bird",
    },
    "hedges, lists and negation": {
        "possibly a Herring Gull": f"parsed {HERRING}",
        "I think this is a Herring Gull": f"parsed {HERRING}",
        "I am 90% confident this is a Herring Gull": f"parsed {HERRING}",
        "Herring Gull or Western Gull": f"several {HERRING}|{WESTERN}",
        "Herring Gull / Western Gull": f"several {HERRING}|{WESTERN}",
        "Herring Gull or gull": f"several {HERRING}|{GULLS}",
        "Herring Gull or something similar": f"several {HERRING}",
        "Herring Gull, Western Gull": f"several {HERRING}|{WESTERN}",
        "Herring Gull and Western Gull": f"several {HERRING}|{WESTERN}",
        "Herring Gull or Larus argentatus": f"vernacular {HERRING}",
        "not a gull": "unresolved",
        "It is definitely not a Herring Gull": "unresolved",
        "neither a gull nor a tern": "unresolved",
        "It's not a gull, it's a tern": f"parsed {TERNS}",
        "Herring Gull, not Western Gull": f"parsed {HERRING}",
        "a tern rather than a gull": f"parsed {TERNS}",
    },
    "refusals": {
        "I'm sorry, but I can't identify this bird.": "abstain",
        "The species cannot be determined from this image": "abstain",
        "The image is too blurry to tell": "abstain",
        "It is hard to say what this is": "abstain",
        "I would need more information": "abstain",
        "I don't have enough information": "abstain",
        "I don't see any bird": "abstain",
        "There is no bird in the picture": "abstain",
        "This bird is unidentifiable": "abstain",
        "ich weiß nicht": "abstain",
        "不知道": "abstain",
        "I cannot tell if it is a Herring Gull or a Western Gull": "abstain",
        "I'm not sure, but it might be a Herring Gull": f"parsed {HERRING}",
        "hard to say, maybe a Herring Gull": f"parsed {HERRING}",
        "Herring Gull, but I'm not sure": f"parsed {HERRING}",
    },
}  # fmt: skip
PRODUCTS = {
    "BMW 3 Series": "vernacular 3 Series",
    "a BMW 3 series sedan": "parsed 3 Series Sedan",
    "Ford F150 Regular Cab": "parsed F-150 Regular Cab",
    "2012 Ford F-150 Regular Cab": "vernacular Ford F-150 Regular Cab 2012",
    "2012 Ford F-150 Supercrew": "unresolved",
    "2011 Acura TL": "parsed TL",
    "a red Ferrari": "parsed Ferrari",
    "a Ferrari sports car": "parsed Ferrari",
    "Make: BMW, Model: X5": "parsed X5",
    "Toyota Camry LE": "parsed Camry",
    "Honda Accord EX sedan": "parsed Accord Sedan",
    "Range Rover Sport": "unresolved",
    "Ferrari California T": "unresolved",
    "VW Golf": "vernacular Golf",
    "sedan": "unresolved",
    "car": "exact car",
}
FLOWERS = {
    "Iris (Iris germanica)": "parsed bearded iris",
    "an iris flower": "parsed Iris",
    "a Love-in-a-mist flower": "parsed Nigella damascena",
    "Helianthus annuus L.": "parsed Helianthus annuus",
    "Hibiscus rosa-sinensis": "parsed Hibiscus",
    "Hibiscus rosa-sinensis L.": "parsed Hibiscus",
    "Anemone coronaria": "parsed Anemone",
    "foxgloves": "parsed Digitalis",
    "a red rose": "unresolved",
    "tulip": "unresolved",
}
PETS = {
    "St. Bernard": "vernacular Saint Bernard",
    "maine coon kitten": "parsed Maine Coon",
    "Yorkshire terrier dog": "parsed Yorkshire Terrier",
    "Shiba Inu (dog)": "vernacular Shiba Inu",
    "puppy": "vernacular dog",
    "a cute puppy": "parsed dog",
    "small dogs": "parsed dog",
    "wild dog": "unresolved",
    "Pug aka Siamese": "several Pug|Siamese",
    "Beagle mix": "unresolved",
    "Golden Retriever": "unresolved",
}
AIRCRAFT = {
    "Cessna Citation X": "unresolved",
    "Manufacturer: Boeing, Model: 737-700": "parsed 737-700",
    "The aircraft in the image is a Boeing 787": "unresolved",
}
FOOD = {
    "Fish and chips with tartar sauce": "parsed fish and chips",
    "steak with french fries": "several steak|french fries",
    "a pizza topped with basil": "parsed pizza",
    "Caesar salad (romaine, croutons and parmesan)": "parsed caesar salad",
}
_BUILTIN = {
    **{("cub200", answer): found for cases in BIRDS.values() for answer, found in cases.items()},
    **{("stanford_cars", answer): found for answer, found in PRODUCTS.items()},
    **{("flowers102", answer): found for answer, found in FLOWERS.items()},
    **{("oxford_pets", answer): found for answer, found in PETS.items()},
    **{("fgvc_aircraft", answer): found for answer, found in AIRCRAFT.items()},
    **{("food101", answer): found for answer, found in FOOD.items()},
}
_TREES: dict[str, Taxonomy] = {}


def tree(name: str) -> Taxonomy:
    return _TREES.setdefault(name, load_taxonomy(f"builtin:{name}"))


def outcome(taxonomy: Taxonomy, text: str, profile: str | None = None) -> str:
    found = resolve(taxonomy, text, profile)
    return f"{found.status} {'|'.join(taxonomy.names[node] for node in found.candidates)}".strip()


@pytest.mark.parametrize(("name", "answer"), _BUILTIN, ids=[answer for _, answer in _BUILTIN])
def test_answers(name: str, answer: str) -> None:
    found = resolve(tree(name), answer)
    assert outcome(tree(name), answer) == _BUILTIN[name, answer], found.trace
    assert found.trace and (found.span is not None) == found.named


DOGS = taxonomy_from_lineages(
    {
        "Golden Retriever": ["sporting", "Golden Retriever"],
        "Labrador Retriever": ["sporting", "Labrador Retriever"],
        "Irish Setter": ["sporting", "Irish Setter"],
        "Scottish Terrier": ["terriers", "Scottish Terrier"],
        "Boston Bull": ["companion", {"name": "Boston Bull", "common": "ボストン・テリア"}],
    },
    root="dog",
)  # fmt: skip


@pytest.mark.parametrize(
    ("answer", "found"),
    [
        ("a Golden Retriever puppy", "parsed Golden Retriever"),
        ("golden retreiver", "fuzzy Golden Retriever"),
        ("Golden Retrievers", "parsed Golden Retriever"),
        ("retriever", "vernacular sporting"),
        ("a puppy", "parsed dog"),
        ("ボストン・テリア", "vernacular Boston Bull"),
        ("Golden Retriever cat", "unresolved"),
    ],
)
def test_dogs(answer: str, found: str) -> None:
    assert outcome(DOGS, answer) == found


BREEDS = taxonomy_from_lineages(
    {
        "German Shepherd Dog": ["carnivore", "dog", "German Shepherd Dog"],
        "Siamese cat": ["carnivore", "cat", "Siamese cat"],
        "raccoon dog": ["carnivore", "raccoon dog"],
    },
    root="animal",
)


@pytest.mark.parametrize(
    ("answer", "found"),
    [
        ("a German Shepherd puppy", "parsed German Shepherd Dog"),
        ("Siamese", "parsed Siamese cat"),
        ("Siamese dog", "unresolved"),
        ("German Shepherd mix", "unresolved"),
        ("raccoon", "unresolved"),
    ],
)
def test_breeds_without_their_noun(answer: str, found: str) -> None:
    assert outcome(BREEDS, answer) == found


HOMONYMS = taxonomy_from_lineages(
    {
        "Prunella modularis": ["Animalia", "Prunellidae", "Prunella", "Prunella modularis"],
        "Prunella vulgaris": ["Plantae", "Lamiaceae", "Prunella", "Prunella vulgaris"],
        "Sayornis": ["Animalia", "Tyrannidae", "Sayornis", "Sayornis"],
    },
    ranks=("kingdom", "family", "genus", "species"),
    root="life",
)  # fmt: skip


def test_namesakes_are_all_given_and_told_apart_only_by_the_answer_itself() -> None:
    assert outcome(HOMONYMS, "Prunella") == outcome(HOMONYMS, "a Prunella") == "ambiguous Prunella|Prunella"
    (plant,) = resolve(HOMONYMS, "Prunella (Lamiaceae)").candidates
    assert HOMONYMS.names[HOMONYMS.lineage(plant)[1]] == "Plantae"
    assert [HOMONYMS.ranks[n] for n in resolve(HOMONYMS, "genus Sayornis").candidates] == ["genus"]
    assert [HOMONYMS.ranks[n] for n in resolve(HOMONYMS, "Sayornis").candidates] == ["species"]


TOY_BIRDS = taxonomy_from_lineages(
    {
        name: [*path, name]
        for name, path in {
            "Herring Gull": ("Laridae", "Larus"), "Western Gull": ("Laridae", "Larus"),
            "Ivory Gull": ("Laridae", "Pagophila"), "Arctic Tern": ("Laridae", "Sterna"),
            "Common Tern": ("Laridae", "Sterna"), "Ovenbird": ("Parulidae", "Seiurus"),
            "Pine Warbler": ("Parulidae", "Setophaga"), "Palm Warbler": ("Parulidae", "Setophaga"),
            "American Crow": ("Corvidae", "Corvus"), "Common Raven": ("Corvidae", "Corvus"),
            "Western Wood-Pewee": ("Tyrannidae", "Contopus"), "Bird of Paradise": ("Paradisaeidae", "Paradisaea"),
        }.items()
    },
    root="bird",
)  # fmt: skip


@pytest.mark.parametrize(
    ("noun", "names"),
    [
        ("gull", "Larus|Pagophila"),  # of Laridae only three in five
        ("tern", "Sterna"),
        ("warbler", "Parulidae"),
        ("crow", "American Crow"),
        ("wood pewee", "Contopus"),
        ("pewee", "Contopus"),
        ("ovenbird", ""),
        ("paradise", ""),
    ],
)
def test_group_nouns_by_rule(noun: str, names: str) -> None:
    nodes = find_group_nouns(TOY_BIRDS).get(noun.split())
    assert "|".join(TOY_BIRDS.names[node] for node in nodes) == names


def test_the_nouns_of_a_rule_can_be_listed() -> None:
    listing = find_group_nouns(TOY_BIRDS).listing()
    assert list(listing) == sorted(listing) and {"gull", "tern", "warbler", "crow"} <= set(listing)
    latin = taxonomy_from_lineages({"Larus canus": ["Laridae", "Larus", "Larus canus"]})
    assert find_group_nouns(latin).listing() == {}


def test_a_noun_of_one_species_is_no_group_where_the_source_names_groups() -> None:
    lineages = {"Siam Tulip": ["Curcuma", "Siam Tulip"], "Tea Rose": [{"name": "Rosa", "common": "rose"}, "Tea Rose"]}
    assert outcome(taxonomy_from_lineages(lineages, root="flower"), "tulip") == "unresolved"


def test_profiles_switch_off_what_a_domain_has_not() -> None:
    birds = tree("cub200")
    assert outcome(birds, "Larus argentatus Pontoppidan, 1763", "exact") != f"parsed {HERRING}"
    assert outcome(birds, "family Laridae", "catalogue") == "unresolved"
    assert outcome(birds, "female Mallard", "catalogue") == "unresolved"
    assert outcome(TOY_BIRDS, "gull", "exact") == "unresolved"
    assert outcome(TOY_BIRDS, "gull", "general") == "vernacular Larus|Pagophila"
    assert outcome(TOY_BIRDS, "Herrnig Gull", "exact") == "unresolved"
    assert {profile_of(tree(name), None).name for name in ("stanford_cars", "fgvc_aircraft")} == {"catalogue"}
    assert {profile_of(tree(name), None).name for name in ("cub200", "flowers102", "food101")} == {"general"}
    assert profile_of(birds, PROFILES["exact"]).name == "exact"
    with pytest.raises(RlfgError, match='no profile "birds"; known are general, catalogue, exact'):
        resolve(birds, "gull", "birds")


def test_a_binomial_of_two_genera_is_not_two_of_them() -> None:
    lineages = {"Common Tern": ["Laridae", "Sterna", "Common Tern"], "Barn Swallow": ["Hirundo", "Barn Swallow"]}
    toy = taxonomy_from_lineages(lineages, root="bird")
    assert outcome(toy, "Common Tern (Sterna hirundo)") == "parsed Common Tern"
    assert outcome(toy, "Sterna hirundo") == "unresolved"


YEARS = taxonomy_from_lineages(
    {
        name: [make, name]
        for make, name in [
            ("Dodge", "Dodge Caravan Minivan 1997"), ("Audi", "Audi S4 Sedan 2007"), ("Audi", "Audi S4 Sedan 2012"),
            ("Audi", "Audi A5 Coupe 2012"), ("Ford", "Ford F-150"), ("Ford", "Ford Ranger SuperCab 2011"),
        ]
    },
    root="car",
)  # fmt: skip


@pytest.mark.parametrize(
    ("answer", "found"),
    [
        ("Dodge Caravan", "parsed Dodge Caravan Minivan 1997"),
        ("2001 Dodge Caravan minivan", "parsed Dodge Caravan Minivan 1997"),
        ("2007 Audi S4 sedan", "parsed Audi S4 Sedan 2007"),
        ("Audi S4", "parsed Audi S4 Sedan 2007|Audi S4 Sedan 2012"),
        ("Audi S4 (2012)", "parsed Audi S4 Sedan 2012"),
        ("2012 Ford F-150 Supercrew", "parsed Ford F-150"),
        ("Ford F150 XLT", "parsed Ford F-150"),
        ("Audi A5 convertible", "unresolved"),
        ("Audi", "exact Audi"),
    ],
)
def test_model_years_and_bodies(answer: str, found: str) -> None:
    assert profile_of(YEARS, None).name == "catalogue"
    assert outcome(YEARS, answer) == found


def test_a_model_of_several_years_is_a_group() -> None:
    assert resolve(YEARS, "Audi S4").group
    assert not resolve(YEARS, "Audi S4 Sedan 2012").group


def test_a_long_text_is_read_to_a_limit_that_the_trace_names() -> None:
    found = resolve(tree("cub200"), "Herring Gull" + " " * MOST_CHARACTERS + "or Western Gull")
    assert found.status == "vernacular"
    assert "only the first 500 of 527 characters were looked at" in found.trace
