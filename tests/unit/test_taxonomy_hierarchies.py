"""The built-in hierarchies: their counts, that every class resolves, and how they agree with published ones."""

from __future__ import annotations

import json
from collections import defaultdict
from pathlib import Path

import pytest

import rlfg
from rlfg.errors import RlfgError
from rlfg.taxonomy import Taxonomy, load_taxonomy, relation, resolve
from rlfg.taxonomy.hierarchies import available, class_names, hierarchy, locate
from rlfg.types import Relation

FOLDER = Path(rlfg.__file__).parent / "taxonomy" / "hierarchies"
DATA = Path(__file__).resolve().parents[3] / "shared" / "data" / "taxonomies"
real = pytest.mark.skipif(not DATA.is_dir(), reason="needs the real data in ../shared/data")

COUNTS = {
    "cub200": {"order": 13, "family": 37, "genus": 124, "species": 197},
    "fgvc_aircraft": {"manufacturer": 30, "family": 70, "variant": 100},
    "flowers102": {"family": 46, "genus": 93, "species": 49, "form": 8},
    "food101": {"kind": 10, "group": 25, "dish": 98, "variety": 4},
    "oxford_pets": {"species": 2, "breed": 37},
    "stanford_cars": {"make": 49, "model": 161, "body": 189, "year": 196},
    "stanford_dogs": {"kind": 2, "group": 14, "type": 15, "breed": 120},
}
CLASSES = {
    "cub200": 200,
    "fgvc_aircraft": 100,
    "flowers102": 102,
    "food101": 101,
    "oxford_pets": 37,
    "stanford_cars": 196,
    "stanford_dogs": 120,
}
NUMBERED = {"cub200": ".", "stanford_dogs": "-"}
"""What parts the number from the name in official names."""


def sources() -> dict[str, dict[str, object]]:
    found: dict[str, dict[str, object]] = json.loads((FOLDER / "sources.json").read_text(encoding="utf-8"))
    return found


def one(tree: Taxonomy, text: str) -> int:
    (node,) = tree.lookup(text)
    return node


def named(tree: Taxonomy, text: str) -> set[str]:
    return {tree.names[node] for node in tree.lookup(text)}


def ranks(tree: Taxonomy, text: str) -> dict[str | None, str]:
    return {tree.ranks[node]: tree.names[node] for node in tree.lineage(one(tree, text))}


def shared(name: str) -> dict[str, list[str]]:
    found: dict[str, list[str]] = json.loads((DATA / f"hierarchy_{name}.json").read_text(encoding="utf-8"))
    return found


def test_what_there_is() -> None:
    assert available() == tuple(sorted(CLASSES)) == tuple(sorted(path.stem for path in FOLDER.glob("*.csv")))
    with pytest.raises(RlfgError, match='no hierarchy "cub".*cub200, fgvc_aircraft'):
        hierarchy("cub")
    with pytest.raises(RlfgError, match='no hierarchy "birds"'):
        class_names("birds")


@pytest.mark.parametrize("name", CLASSES)
def test_every_class_names_one_taxon_of_its_own(name: str) -> None:
    tree, classes = hierarchy(name), class_names(name)
    found = [one(tree, label) for label in classes]
    assert len(classes) == len(set(found)) == CLASSES[name]
    assert set(tree.leaves()) <= set(found), "each leaf is a class"


@pytest.mark.parametrize("name", CLASSES)
def test_ranks_and_their_sizes(name: str) -> None:
    tree = hierarchy(name)
    sizes = {rank: tree.ranks.count(rank) for rank in tree.main_ranks}
    assert sizes == COUNTS[name]
    assert sum(sizes.values()) + 1 == tree.n, "a root above them all"


@pytest.mark.parametrize("name", CLASSES)
def test_classes_stand_above_each_other_only_where_it_is_said(name: str) -> None:
    tree, source = hierarchy(name), sources()[name]
    nodes = {label: one(tree, label) for label in class_names(name)}
    nested = [[low, high] for low in nodes for high in nodes if tree.is_ancestor(nodes[high], nodes[low])]
    assert sorted(nested) == source["nested"]


@pytest.mark.parametrize("name", CLASSES)
def test_the_sources_say_what_the_table_holds(name: str) -> None:
    source, tree = sources()[name], hierarchy(name)
    assert set(source) == {
        "title", "root", "root_aliases", "ranks", "class_list", "classification", "nested", "uncertain", "classes",
    }  # fmt: skip
    assert source["ranks"] == list(tree.main_ranks)
    assert tree.names[0] == source["root"]
    assert isinstance(source["uncertain"], list)
    doubts = [entry["class"] for entry in source["uncertain"]]
    assert len(set(doubts)) == len(doubts) and set(doubts) <= set(class_names(name))
    docs = (FOLDER.parents[2] / "docs" / "hierarchies.md").read_text(encoding="utf-8")
    assert all(f"`{doubt}`" in docs for doubt in doubts)


@pytest.mark.parametrize("name", CLASSES)
def test_official_names_resolve_too_once_underscores_are_spaces(name: str) -> None:
    tree, classes = hierarchy(name), sources()[name]["classes"]
    assert isinstance(classes, dict)
    for official, label in classes.items():
        assert tree.lookup(official.partition(NUMBERED[name])[2] if name in NUMBERED else official) == tree.lookup(
            label
        )


def test_builtin_paths() -> None:
    tree = load_taxonomy("builtin:cub200")
    assert tree.hash == hierarchy("cub200").hash
    assert tree.lookup("birds") == (0,)
    mine = load_taxonomy("builtin:cub200", root="animal", root_aliases=["vogel"])
    assert mine.names[0] == "animal" and mine.lookup("bird") == mine.lookup("Vogel") == (0,)
    assert locate("cub200")[1] == "bird"
    for path, options, message in [
        ("builtin:none", {}, 'no hierarchy "none"'),
        ("builtin:cub200", {"ranks": ["order"]}, "drop the ranks"),
        ("builtin:cub200", {"root_aliases": "birds"}, "lists of names"),
    ]:
        with pytest.raises(RlfgError, match=message):
            load_taxonomy(path, **options)


def test_bird_groups() -> None:
    tree = hierarchy("cub200")
    assert named(tree, "sparrows") == {"Passerellidae", "Passeridae"}
    assert named(tree, "gull") == {"Larus", "Pagophila", "Rissa"}
    assert named(tree, "goldfinch") == {"Spinus", "Carduelis"}
    assert named(tree, "blackbird") == {"Agelaius", "Euphagus", "Xanthocephalus"}
    assert named(tree, "grosbeak") == {"Pheucticus", "Hesperiphona", "Pinicola", "Passerina caerulea"}
    assert named(tree, "tern") == {"Sterna", "Chlidonias", "Hydroprogne", "Thalasseus", "Sternula"}
    for noun, clade in {
        "warbler": "Parulidae", "wren": "Troglodytidae", "woodpecker": "Picidae", "hummingbird": "Trochilidae",
        "albatross": "Diomedeidae", "flycatchers": "Tyrannidae", "finches": "Fringillidae", "crow": "Corvus",
        "loon": "Gavia", "songbird": "Passeriformes", "pelican": "Pelecanus", "roadrunner": "Geococcyx",
    }.items():  # fmt: skip
        assert named(tree, noun) == {clade}, noun
    song_sparrow, house_sparrow = one(tree, "Song Sparrow"), one(tree, "House Sparrow")
    for truth in (song_sparrow, house_sparrow):
        verdicts = {relation(tree, node, truth) for node in tree.lookup("sparrow")}
        assert verdicts == {Relation.LESS_SPECIFIC, Relation.WRONG}


def test_bird_labels_that_are_no_species() -> None:
    tree = hierarchy("cub200")
    for label, genus in {"Frigatebird": "Fregata", "Nighthawk": "Chordeiles", "Sayornis": "Sayornis"}.items():
        assert tree.describe(one(tree, label)) == f"genus {genus}"
    assert tree.describe(one(tree, "Geococcyx")) == "species Geococcyx californianus"


def test_birds_by_other_names() -> None:
    tree = hierarchy("cub200")
    for text, label in {
        "Grey Catbird": "Gray Catbird", "Phalacrocorax pelagicus": "Pelagic Cormorant", "Arctic Tern": "Artic Tern",
        "Great Gray Shrike": "Great Grey Shrike", "Florida Scrub-Jay": "Florida Jay", "Sand Martin": "Bank Swallow",
        "Chuck-will's-widow": "Chuck will Widow", "Nelson's Sparrow": "Nelson Sharp tailed Sparrow",
        "Yellow-rumped Warbler": "Myrtle Warbler", "Dendroica petechia": "Yellow Warbler",
        "Northern Mockingbird": "Mockingbird", "Brewer's Sparrow": "Brewer Sparrow",
    }.items():  # fmt: skip
        assert tree.lookup(text) == tree.lookup(label) != ()
    assert resolve(tree, "Phoebastria nigripes").status == "exact"
    assert resolve(tree, "Phalacrocorax pelagicus").status == "synonym"
    assert resolve(tree, "Black-footed albatross").status == "vernacular"


def test_aircraft() -> None:
    tree = hierarchy("fgvc_aircraft")
    assert ranks(tree, "Boeing 747-400") == {
        None: "aircraft", "manufacturer": "Boeing", "family": "Boeing 747", "variant": "747-400",
    }  # fmt: skip
    for text, described in {
        "747": "family Boeing 747", "Boeing 737": "family Boeing 737", "A320": "variant A320", "DC10": "variant DC-10",
        "Twin Otter": "variant DHC-6", "Dash 8": "family Dash 8", "F-18 Hornet": "variant F/A-18",
        "Embraer E-Jet": "family Embraer E-Jet", "Lockheed": "manufacturer Lockheed Corporation",
    }.items():  # fmt: skip
        assert tree.describe(one(tree, text)) == described


def test_cars() -> None:
    tree = hierarchy("stanford_cars")
    assert ranks(tree, "Ford F-150 Regular Cab 2012") == {
        None: "car",
        "make": "Ford",
        "model": "F-150",
        "body": "F-150 Regular Cab",
        "year": "Ford F-150 Regular Cab 2012",
    }
    for text, described in {
        "Ford F-150": "model F-150", "2007 Ford F-150 Regular Cab": "year Ford F-150 Regular Cab 2007",
        "BMW X5": "model X5", "Audi TT RS": "body TT RS Coupe", "VW Golf": "model Golf", "Chevy": "make Chevrolet",
        "Dodge Sprinter": "model Sprinter", "Cadillac CTS-V": "body CTS-V Sedan",
    }.items():  # fmt: skip
        assert tree.describe(one(tree, text)) == described
    assert named(tree, "Silverado") == {"Silverado 1500", "Silverado 2500HD"}
    for label in class_names("stanford_cars"):
        line = ranks(tree, label)
        assert ranks(tree, f"{line['make']} {line['model']}")["model"] == line["model"], label
        assert label == f"{line['make']} {line['body']} {label[-4:]}"


def test_flowers() -> None:
    tree = hierarchy("flowers102")
    for text, described in {
        "bolero deep blue": "form bolero deep blue", "azalea": "form azalea", "petunia": "genus Petunia",
        "cape flower": "genus Nerine", "bromelia": "family Bromeliaceae", "gaura": "species Oenothera lindheimeri",
        "orchid": "family Orchidaceae", "iris": "genus Iris", "Belamcanda chinensis": "species Iris domestica",
        "globe flower": "genus Trollius", "globeflower": "genus Trollius",
        "pink and yellow dahlia": "form pink-yellow dahlia",
    }.items():  # fmt: skip
        assert tree.describe(one(tree, text)) == described
    assert named(tree, "poppy") == {"Papaver", "Eschscholzia", "Romneya"}
    assert tree.parent[one(tree, "fire lily")] == 0, "its family is not known"


def test_pets_and_food() -> None:
    pets, food = hierarchy("oxford_pets"), hierarchy("food101")
    assert pets.lookup("maine_coon") == pets.lookup("Maine Coon cat") != ()
    assert sum(ranks(pets, label)["species"] == "cat" for label in class_names("oxford_pets")) == 12
    assert relation(food, one(food, "dumplings"), one(food, "gyoza")) is Relation.LESS_SPECIFIC
    assert ranks(food, "spaghetti carbonara")["dish"] == "spaghetti"
    for text, described in {"burger": "dish hamburger", "soups": "kind soup", "cake": "group cake"}.items():
        assert food.describe(one(food, text)) == described


def test_dogs() -> None:
    tree = hierarchy("stanford_dogs")
    assert ranks(tree, "giant schnauzer") == {
        None: "dog", "kind": "hunting dog", "group": "terrier", "type": "schnauzer", "breed": "Giant Schnauzer",
    }  # fmt: skip
    for text, described in {
        "sheepdog": "group shepherd dog", "spaniel": "type spaniel", "husky": "type husky",
        "Doberman": "breed Dobermann", "corgi": "group corgi", "Pembroke": "breed Pembroke Welsh Corgi",
        "Westie": "breed West Highland White Terrier",
        "Boston terrier": "breed Boston Terrier", "wild dog": "group wild dog",
    }.items():  # fmt: skip
        assert tree.describe(one(tree, text)) == described


@real
def test_dogs_agree_with_a_published_hierarchy_of_animals() -> None:
    tree, compared, differing = hierarchy("stanford_dogs"), set(), {}
    for label, (*above, _) in shared("imagenet_animal").items():
        found = tree.lookup(label)
        if not {"dog", "wild dog"} & set(above) or not found:
            continue
        compared.add(found[0])
        theirs = {node for name in above for node in tree.lookup(name)}
        if not theirs <= set(tree.lineage(found[0])):
            differing[tree.names[found[0]]] = above[-1]
    assert differing == {
        "Rottweiler": "shepherd dog", "Treeing Walker Coonhound": "foxhound", "Weimaraner": "hound",
        "Lhasa Apso": "terrier",
    }  # fmt: skip
    assert len({one(tree, label) for label in class_names("stanford_dogs")} & compared) == 117


@real
def test_birds_agree_with_a_published_hierarchy() -> None:
    tree = hierarchy("cub200")
    published = shared("CUB200")
    differing = {
        label: (mine["genus"], theirs[2])
        for label, theirs in published.items()
        if [(mine := ranks(tree, label))["order"], mine["family"], mine["genus"]] != theirs[:3]
    }
    assert differing == {
        "Brandt's Cormorant": ("Urile", "Phalacrocorax"),
        "Red-faced Cormorant": ("Urile", "Phalacrocorax"),
        "Pelagic Cormorant": ("Urile", "Phalacrocorax"),
    }
    assert {one(tree, label) for label in published} == {one(tree, label) for label in class_names("cub200")}


@real
def test_birds_agree_with_a_published_hierarchy_of_animals() -> None:
    tree = hierarchy("cub200")
    published: dict[str, set[tuple[str, str]]] = defaultdict(set)
    for _, _, group, order, family, genus, _ in shared("Inat_animal").values():
        if group == "Aves":
            published[genus].add((order, family))
    differing = {
        line["family"]: (line["order"], published[line["genus"]])
        for label in class_names("cub200")
        if (line := ranks(tree, label))["genus"] in published
        and published[line["genus"]] != {(line["order"], line["family"])}
    }
    assert differing == {"Trochilidae": ("Apodiformes", {("Caprimulgiformes", "Trochilidae")})}
    assert len({ranks(tree, label)["genus"] for label in class_names("cub200")} & set(published)) > 100


@real
def test_flowers_agree_with_a_published_hierarchy_of_plants() -> None:
    tree = hierarchy("flowers102")
    published: dict[str, set[str]] = defaultdict(set)
    for _, _, _, _, family, genus, _ in shared("Inat_plantae").values():
        published[genus].add(family)
    lines = [ranks(tree, label) for label in class_names("flowers102")]
    compared = [line for line in lines if line.get("genus") in published]
    assert len(compared) > 70
    assert [line for line in compared if published[line["genus"]] != {line["family"]}] == []


@real
def test_food_agrees_with_a_published_hierarchy_but_for_named_dishes() -> None:
    tree = hierarchy("food101")
    kinds = {
        "breakfast food": {"breakfast dish"}, "appetizers": {"appetizer"}, "soups": {"soup"},
        "side dishes": {"side dish"}, "desserts": {"dessert"}, "salad": {"salad"}, "seafood": {"seafood dish"},
        "poultry food": {"meat dish"}, "meat food": {"meat dish"}, "cheesy dish": set(),
        "vegetarian food": {"grain-based dish"}, "main course food": {"grain-based dish", "bread-based dish"},
    }  # fmt: skip
    differing = {}
    for label, (_, course, *groups, _) in shared("Food").items():
        group = groups[-1] if course == "main course food" and groups else course
        if ranks(tree, label)["kind"] not in kinds[group]:
            differing[label] = group
    assert differing == {
        "caesar salad": "appetizers", "dumplings": "appetizers", "takoyaki": "appetizers",
        "hamburger": "meat food", "hot dog": "meat food", "lobster roll sandwich": "meat food",
        "pulled pork sandwich": "meat food", "club sandwich": "meat food", "bibimbap": "meat food",
        "pad thai": "meat food", "lobster bisque": "seafood", "paella": "seafood",
        "chicken quesadilla": "poultry food", "croque madame": "poultry food",
        "grilled cheese sandwich": "cheesy dish", "macaroni and cheese": "cheesy dish", "fried rice": "side dishes",
    }  # fmt: skip
