"""The pictures that excite each feature map most, out of any number (Zeiler & Fergus 2013, figure 2).

As a command: python -m vis.top9 --model zfnet_mini --pictures FOLDER --layers 1 2 3 --out top.parquet
"""

from vis.top9.files import as_parquet, file_of, find, open_top, save
from vis.top9.mining import key_of, mine
from vis.top9.pairs import Pair, pairs_in, patches_and_projections
from vis.top9.ranking import Entry, Key, Top, merge, rows

__all__ = [
    "Entry",
    "Key",
    "Pair",
    "Top",
    "as_parquet",
    "file_of",
    "find",
    "key_of",
    "merge",
    "mine",
    "open_top",
    "pairs_in",
    "patches_and_projections",
    "rows",
    "save",
]
