"""Convolutions as volumes: every box has the sizes that its layer reads and makes."""

import pytest

from vis.cost.blocks import INCEPTIONS, bottleneck, dilated, grouped, inception, reduced, separable
from vis.cost.layer import formula, layer, typeset
from vis.figures.volumes import MAPS, volumes


def test_a_separable_convolution_is_maps_flat_kernels_maps_thin_kernels_and_maps():
    given, flat, between, thin, made = volumes(separable((512, 14, 14), 256, 3, 2, 1))
    assert given[:5] == (MAPS, 512, 14, 14, 1)
    assert flat[:6] == ("depthwise", 1, 3, 3, 512, "3×3 depthwise /2")
    assert between[:5] == (MAPS, 512, 7, 7, 1)
    assert thin[:6] == ("pointwise", 512, 1, 1, 256, "1×1 conv")
    assert made[:5] == (MAPS, 256, 7, 7, 1)
    assert (flat.macs, thin.macs) == (3 * 3 * 512 * 7 * 7, 512 * 256 * 7 * 7)


@pytest.mark.parametrize(
    "block",
    [reduced((192, 28, 28), 16, 32, 5), bottleneck((256, 56, 56), 64, 256), grouped((240, 28, 28), 240, 3, 3, True)],
    ids=["reduced", "bottleneck", "grouped"],
)
def test_kernels_hold_the_weights_of_their_layer_and_maps_its_activations(block):
    found = volumes(block)
    sizes = [of.channels * of.rows * of.columns * of.count for of in found]
    assert sum(size for of, size in zip(found, sizes, strict=True) if of.kind != MAPS) == block.weights
    made = [size for of, size in zip(found, sizes, strict=True) if of.kind == MAPS]
    assert made[1:] == [layer.activations for layer in block.layers]


def test_a_kernel_with_gaps_is_as_large_as_its_reach():
    kernel = volumes(dilated((64, 64, 64), 64, 3, 4))[1]
    assert (kernel.rows, kernel.columns, kernel.title) == (9, 9, "3×3 conv d4")


def test_a_block_with_several_paths_is_no_row_of_boxes():
    with pytest.raises(ValueError, match="too many"):
        volumes(inception(INCEPTIONS["3a"]))


def test_the_symbols_of_a_formula_are_typeset():
    symbols, _numbers = formula("macs", layer("conv", (192, 28, 28), 32, 5, 1, 2))
    assert typeset(symbols) == r"K_{h} \cdot K_{w} \cdot C_{in} \cdot C_{out} \cdot H \cdot W"
    assert typeset("⌊(H_in − d·(K_h − 1))/s⌋ + 1") == (r"\lfloor (H_{in} - d \cdot (K_{h} - 1))/s\rfloor  + 1")
    assert typeset("|Y|·b + |θ|") == r"\vert Y\vert  \cdot b + \vert \theta \vert "
