"""The tree of taxa, its file formats, and the way from names to taxa and to verdicts."""

from rlfg.taxonomy.build import TaxonRecord, build_taxonomy
from rlfg.taxonomy.check import LabelProblem, check_labels
from rlfg.taxonomy.choice import choose
from rlfg.taxonomy.ledger import Provenance
from rlfg.taxonomy.lineage_json import taxonomy_from_lineages
from rlfg.taxonomy.load import load_taxonomy
from rlfg.taxonomy.names import normalize
from rlfg.taxonomy.rank_csv import write_rank_csv
from rlfg.taxonomy.ranks import MAIN_RANKS
from rlfg.taxonomy.relation import relation, specificity
from rlfg.taxonomy.resolving import PROFILES, STATUSES, Profile, Resolution, Status, profile_of, resolve
from rlfg.taxonomy.store import open_saved, save
from rlfg.taxonomy.subset import clade, spanning
from rlfg.taxonomy.tree import Taxonomy

__all__ = [
    "MAIN_RANKS",
    "PROFILES",
    "STATUSES",
    "LabelProblem",
    "Profile",
    "Provenance",
    "Resolution",
    "Status",
    "TaxonRecord",
    "Taxonomy",
    "build_taxonomy",
    "check_labels",
    "choose",
    "clade",
    "load_taxonomy",
    "normalize",
    "open_saved",
    "profile_of",
    "relation",
    "resolve",
    "save",
    "spanning",
    "specificity",
    "taxonomy_from_lineages",
    "write_rank_csv",
]
