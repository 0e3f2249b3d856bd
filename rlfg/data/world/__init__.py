"""The embedded world: invented organisms whose visible traits fix a taxonomy.

It writes ordinary files (PNG, manifest, taxonomy CSV); everything after reads them as it would a
user's own data. See `build.write_world`.
"""

from rlfg.data.world.build import WorldSpec, write_world
from rlfg.data.world.species import Species, species_list

__all__ = ["Species", "WorldSpec", "species_list", "write_world"]
