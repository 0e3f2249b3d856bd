"""The resolver: answer text → taxa, with a status and a trace."""

from rlfg.taxonomy.resolving.groups import GroupNouns, find_group_nouns
from rlfg.taxonomy.resolving.model import STATUSES, Resolution, Status
from rlfg.taxonomy.resolving.profiles import PROFILES, Profile, profile_of
from rlfg.taxonomy.resolving.resolve import MOST_CHARACTERS, resolve

__all__ = [
    "MOST_CHARACTERS",
    "PROFILES",
    "STATUSES",
    "GroupNouns",
    "Profile",
    "Resolution",
    "Status",
    "find_group_nouns",
    "profile_of",
    "resolve",
]
