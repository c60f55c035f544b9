"""Tables of edges of chaos on disk: a schema that is checked on writing and on reading, JSON and CSV, lossless.

A table says where it comes from: package version, a hash of the closed forms behind each family, and to how many
digits they were verified when the table was made.
"""

from .make import eoc_table as eoc_table
from .schema import EocRow as EocRow
from .schema import FormulaProvenance as FormulaProvenance
from .schema import Provenance as Provenance
from .table import EocTable as EocTable
from .table import read_eoc_table as read_eoc_table
from .table import require_suffix as require_suffix
