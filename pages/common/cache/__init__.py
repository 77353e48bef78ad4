"""Everything that is remembered between reruns, bounded; and the turn that heavy work waits for.

Keys are hashes of files, never arrays. What comes from an upload is remembered for its own session only.
"""

from pages.common.cache.arena import answered, cifar10_examples, cifar10_pictures, entrants, has_cifar10, votes
from pages.common.cache.counts import costs_along, deflated, packed
from pages.common.cache.explained import (
    AT_MOST,
    Asked,
    Explained,
    Grids,
    InTurns,
    attribution,
    cost,
    explained,
    explanation,
    grids,
    pixels_explained,
    probabilities,
    refusal,
    seconds_of_passes,
    seen_covered,
)
from pages.common.cache.graphs import Built, comparison, drawing, fields, graph, names, pictured, shapes
from pages.common.cache.networks import ASK_AGAIN_AFTER, opened_network, states_in_file, weights_to_be_had
from pages.common.cache.pictures import (
    picture,
    reduced,
    sample,
    sample_sha256,
    sheet_of_samples,
    thumbnail,
    whole_picture,
)
from pages.common.cache.results import (
    Seen,
    Thumbnails,
    answers_with_dropout,
    checkpoint,
    dead_maps,
    filter_norms,
    filters,
    layer_activations,
    layer_responses,
    layer_view,
    matrix,
    one_channel,
    one_value,
    picture_at,
    pixels_seen,
    seen,
    through_training,
    thumbnails,
    unit_response,
    unit_steps,
)
from pages.common.cache.stacks import learnt, started
from pages.common.cache.top9 import (
    Nines,
    download_dataset,
    folders_below,
    kept,
    nine_in_full,
    pictures_in_dataset,
    pictures_in_folder,
    sample_crops,
    search,
    top_nine,
)
from pages.common.cache.turns import Place, measuring, trainings, warm
