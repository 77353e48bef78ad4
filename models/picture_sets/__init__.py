"""Sets of pictures: a folder, a ZIP, a torchvision data set, or crops of a few photographs.

What is listed costs no decoding. Names come from outside: they are text, and here never lead out of the set.
"""

from models.picture_sets.crops import samples
from models.picture_sets.folders import MOST_PICTURES, allowed_root, folder
from models.picture_sets.listed import MOST_LISTED, PictureSet, SetGone, fingerprint_of, mark_of, part, span, sum_of
from models.picture_sets.torchvisions import DATASETS, dataset
from models.picture_sets.zips import MOST_ENTRIES, MOST_ZIP_MEGABYTES, archive

__all__ = [
    "DATASETS",
    "MOST_ENTRIES",
    "MOST_LISTED",
    "MOST_PICTURES",
    "MOST_ZIP_MEGABYTES",
    "PictureSet",
    "SetGone",
    "allowed_root",
    "archive",
    "dataset",
    "fingerprint_of",
    "folder",
    "mark_of",
    "part",
    "samples",
    "span",
    "sum_of",
]
