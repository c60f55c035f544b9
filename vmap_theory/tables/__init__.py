"""Tables of edges of chaos on disk: a schema that is checked on writing and on reading, lossless.

`eoc_table` makes rows with all fixed points, as JSON and CSV; `eoc_grid` and `eoc_columns` make columns without them,
millions of rows, as NPZ, CSV and Parquet.

A table says where it comes from: package version, a hash of the closed forms behind each family, and to how many
digits they were verified when the table was made.
"""

from .column_files import read_eoc_columns as read_eoc_columns
from .columns import EocColumns as EocColumns
from .make import eoc_table as eoc_table
from .make_columns import eoc_columns as eoc_columns
from .make_columns import eoc_grid as eoc_grid
from .schema import EocRow as EocRow
from .schema import FormulaProvenance as FormulaProvenance
from .schema import Provenance as Provenance
from .table import EocTable as EocTable
from .table import read_eoc_table as read_eoc_table
from .table import require_suffix as require_suffix
