"""Every rule by hand, and what has no three numbers."""

from collections.abc import Callable
from fractions import Fraction

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torchvision.ops import Permute

from tests.agreement.networks import EXACT, NEARLY_RELUS, NORMALISED, UNUSUAL, Net, gated, last_layer, with_activation
from vis.receptive import ReceptiveField, Span, fields_of, receptive_fields
from vis.shapes import record_shapes
from vis.trace import record

PICTURE = (1, 4, 48, 36)


def field_of(*modules: nn.Module, shape: tuple[int, ...] = PICTURE) -> ReceptiveField:
    """Of the last operation of these modules in a row."""
    model = nn.Sequential(*modules).eval()
    return receptive_fields(model, shape)[last_layer(model)]


def field_after(way: Callable[[nn.Module, Tensor], Tensor], **modules: nn.Module) -> ReceptiveField:
    model = Net(way, **modules).eval()
    return receptive_fields(model, PICTURE)[last_layer(model)]


def conv(kernel=3, stride=1, padding=0, dilation=1, **rest) -> nn.Conv2d:
    return nn.Conv2d(4, 4, kernel, stride, padding, dilation, **rest)


def both(*span: int) -> ReceptiveField:
    return ReceptiveField(Span(*span), Span(*span))


WHOLE = ReceptiveField(None, None)


# What widens -----------------------------------------------------------------------------------------------------


def test_a_pixel_sees_itself():
    fields = receptive_fields(nn.Sequential(nn.ReLU()).eval(), PICTURE)
    assert list(fields.values()) == [both(1, 1, 0)] * 2  # the picture and its ReLU


def test_a_window_widens_the_field_by_its_kernel_less_one():
    assert field_of(conv(3)) == both(3, 1, 0)
    assert field_of(conv(3), conv(3), conv(3)) == field_of(conv(7)) == both(7, 1, 0)


def test_padding_moves_the_start():
    assert field_of(conv(5, padding=2)) == both(5, 1, -2)


def test_after_a_stride_every_kernel_counts_so_many_times():
    assert field_of(conv(11, 4, 2), nn.MaxPool2d(3, 2), conv(5, padding=2)) == both(51, 8, -18)  # AlexNet's conv2


def test_dilation_spreads_the_kernel():
    assert field_of(conv(3, padding=2, dilation=2)) == both(5, 1, -2)
    assert field_of(nn.MaxPool2d(3, 1, dilation=4)) == both(9, 1, 0)


def test_rows_and_columns_are_counted_apart():
    field = field_of(conv((1, 7), padding=(0, 3)), conv((3, 2), (2, 1)))
    assert field == ReceptiveField(Span(3, 2, 0), Span(8, 1, -3))
    assert (field.size, field.jump, field.start) == (8, 1, -3)


@pytest.mark.filterwarnings("ignore:Using padding=.same.")
@pytest.mark.parametrize(("kernel", "start"), [(3, -1), (4, -1), (5, -2)])
def test_padding_by_the_name_same_keeps_the_middle(kernel, start):
    assert field_of(conv(kernel, padding="same")) == both(kernel, 1, start)


def test_padding_by_the_name_valid_is_none():
    assert field_of(conv(3, padding="valid")) == both(3, 1, 0)


def test_a_pool_strides_by_its_kernel():
    assert field_of(nn.AvgPool2d(3)) == field_after(lambda net, x: F.max_pool2d(x, 3)) == both(3, 3, 0)


def test_a_pool_that_rounds_up_has_the_same_fields():
    assert field_of(nn.MaxPool2d(3, 2, ceil_mode=True)) == field_of(nn.MaxPool2d(3, 2)) == both(3, 2, 0)


def test_an_adaptive_pool_with_equal_bins_is_a_pool():
    assert field_of(nn.AdaptiveAvgPool2d(12)) == ReceptiveField(Span(4, 4, 0), Span(3, 3, 0))
    assert field_of(nn.AdaptiveMaxPool2d((48, 36))) == both(1, 1, 0)


def test_a_transposed_convolution_without_a_stride_is_a_convolution():
    assert field_of(nn.ConvTranspose2d(4, 4, 5, padding=1)) == both(5, 1, -3)
    assert field_of(nn.ConvTranspose2d(4, 4, 3, padding=1, dilation=2)) == both(5, 1, -3)


# What does not widen -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "module",
    [
        *(activation() for activation in NEARLY_RELUS.values()),
        nn.BatchNorm2d(4),
        nn.LocalResponseNorm(3),
        nn.Dropout(),
        nn.Dropout2d(),
        nn.Identity(),
        nn.PReLU(4),
        nn.Softmax(1),
        nn.ChannelShuffle(2),
        nn.Sequential(Permute([0, 2, 3, 1]), nn.LayerNorm(4), nn.Linear(4, 8), nn.GELU(), Permute([0, 3, 1, 2])),
    ],
    ids=lambda module: type(module).__name__,
)
def test_every_position_by_itself(module):
    assert field_of(conv(3, 2, 1), module) == both(3, 2, -1)


@pytest.mark.parametrize(
    "way",
    [
        lambda net, x: x * 2 - 1,
        lambda net, x: 1 - x,
        lambda net, x: x.chunk(2, 1)[1],
        lambda net, x: torch.cat(x.split(1, dim=1), dim=1),
        lambda net, x: torch.cat(x.chunk(4, 1), axis=1),
        lambda net, x: x[:, 1:3],
        lambda net, x: x[:, 1],
        lambda net, x: x[..., :, :],
        lambda net, x: x.mean(1),
        lambda net, x: x.sum(dim=-3, keepdim=True),
        lambda net, x: torch.unsqueeze(x[:, 0], 1) * 0.5,
        lambda net, x: x.view(1, 2, 2, 24, 18).transpose(1, 2).contiguous().view(1, 4, 24, 18),
        lambda net, x: x.permute(0, 2, 3, 1).transpose(-1, 1).permute(dims=(0, 1, 3, 2)),
        lambda net, x: F.pad(x, (0, 0, 0, 0, 2, 2)),
        lambda net, x: F.pad(input=x, pad=(0, 0, 0, 0, 2, 2), mode="constant"),
        lambda net, x: F.layer_norm(x.permute(0, 2, 3, 1), (4,)).permute(0, 3, 1, 2),
        lambda net, x: x.flatten(0, 1).unflatten(0, (1, 4)),
        lambda net, x: x.view(x.shape[0], -1, x.shape[2], x.size(3)),
    ],
)
def test_what_keeps_rows_and_columns_in_their_places(way):
    field = field_after(lambda net, x: way(net, net.conv(x)), conv=conv(3, 2, 1))
    assert field == both(3, 2, -1)


def test_a_convolution_after_a_permutation_slides_along_what_are_its_rows_then():
    field = field_after(lambda net, x: net.conv(x.transpose(2, 3)), conv=conv((1, 5), (1, 2)))
    assert field == ReceptiveField(Span(5, 2, 0), Span(1, 1, 0))


def test_a_pool_after_a_permutation_leaves_the_rows_alone():
    field = field_after(lambda net, x: F.max_pool2d(x.permute(0, 2, 3, 1), 2))  # over columns and maps
    assert field == ReceptiveField(Span(1, 1, 0), Span(2, 2, 0))


# What moves --------------------------------------------------------------------------------------------------------


def test_every_second_row_is_a_jump_twice_as_far():
    assert field_after(lambda net, x: x[:, :, ::2, 1::3]) == ReceptiveField(Span(1, 2, 0), Span(1, 3, 1))


def test_maps_that_are_picked_by_number_see_what_they_saw():
    assert field_after(lambda net, x: x[:, [0, 2]]) == both(1, 1, 0)
    field = field_after(lambda net, x: x[:, :, [4, 2]])
    assert field == ReceptiveField(Span(1, None, 4), Span(1, 1, 0))
    assert field.box(1, 7, PICTURE) == (2, 7, 3, 8)
    assert field_after(lambda net, x: x[:, [0], [2]]) == WHOLE


def test_the_last_rows_start_further_down():
    field = field_after(lambda net, x: net.conv(x)[:, :, -4:, 2:-2], conv=conv(3))
    assert field == ReceptiveField(Span(3, 1, 42), Span(3, 1, 2))


def test_zeros_before_the_first_row_move_the_start_and_negative_ones_cut():
    assert field_after(lambda net, x: F.pad(x, (3, 0, 1, 2))) == ReceptiveField(Span(1, 1, -1), Span(1, 1, -3))
    assert field_after(lambda net, x: F.pad(x, (-3, -1))) == ReceptiveField(Span(1, 1, 0), Span(1, 1, 3))
    assert field_of(nn.ZeroPad2d((3, 0, 1, 2)), conv(4)) == ReceptiveField(Span(4, 1, -1), Span(4, 1, -3))


def test_one_row_alone_is_seen_by_all_that_is_made_of_it():
    field = field_after(lambda net, x: net.conv(x)[:, :, 3].unsqueeze(2) + x, conv=conv(3, padding=1))
    assert field.box(0, 7, PICTURE) == (0, 6, 5, 9)
    assert field.box(9, 7, PICTURE) == (2, 6, 10, 9)
    assert field_after(lambda net, x: x[:, :, 3, 4]).box(0, 0, PICTURE) == (3, 4, 4, 5)


@pytest.mark.parametrize(
    ("way", "box"),
    [
        (lambda net, x: x.flip(2), (47, 0, 48, 1)),
        (lambda net, x: torch.roll(x, (5, -2), (2, 3)), (43, 2, 44, 3)),
        (lambda net, x: x.roll(3, -1), (0, 33, 1, 34)),
        (lambda net, x: x.narrow(2, 7, 4), (7, 0, 8, 1)),
        (lambda net, x: x.select(2, -1), (47, 0, 48, 1)),
        (lambda net, x: x.movedim(1, -1).movedim(-1, 1), (0, 0, 1, 1)),
        (lambda net, x: torch.cat([x, x.flip(3)], 3)[:, :, :, 36:], (0, 35, 1, 36)),
        (lambda net, x: torch.stack([x[:, :1], x[:, 1:2]], 2)[:, :, 0], (0, 0, 1, 1)),
        (lambda net, x: x.repeat(1, 1, 2, 1)[:, :, 50:], (2, 0, 3, 1)),
        (lambda net, x: x.repeat_interleave(2, 2)[:, :, 9:], (4, 0, 5, 1)),
    ],
)
def test_what_is_put_elsewhere_is_seen_there(way, box):
    field = field_after(way)
    assert field.box(0, 0, PICTURE) == box
    assert field.size == 1


# Larger and smaller maps -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("modules", "span"),
    [
        ([nn.ConvTranspose2d(4, 4, 2, 2)], (1, Fraction(1, 2), 0)),
        ([conv(3, 2), nn.ConvTranspose2d(4, 4, 2, 2)], (3, 1, 0)),
        ([conv(3, 2), nn.ConvTranspose2d(4, 4, 4, 2, 1)], (5, 1, -2)),
        ([conv(3, 4), nn.ConvTranspose2d(4, 4, 2, 4)], (3, 1, 0)),  # the third and the fourth of four see nothing
        ([nn.PixelShuffle(2)], (1, Fraction(1, 2), 0)),
        ([nn.PixelUnshuffle(2), nn.Conv2d(16, 4, 3)], (6, 2, 0)),
        ([nn.PixelUnshuffle(2), nn.PixelShuffle(2)], (2, 1, 0)),
        ([nn.Upsample(scale_factor=2)], (1, Fraction(1, 2), 0)),
        ([nn.Upsample(scale_factor=3), conv(3)], (2, Fraction(1, 3), 0)),
        ([nn.Upsample(scale_factor=2), conv(2, 2)], (1, 1, 0)),
        ([nn.Upsample(scale_factor=2), conv(3, 2)], (2, 1, 0)),
        ([conv(3, 2, 1), nn.Upsample(scale_factor=2, mode="bilinear")], (5, 1, -3)),
        ([nn.UpsamplingNearest2d((96, 72)), nn.AvgPool2d(2)], (1, 1, 0)),
        ([nn.AvgPool2d(2), nn.Upsample((24, 18), mode="bicubic")], (2, 2, 0)),
        ([nn.AdaptiveAvgPool2d((12, 9))], (4, 4, 0)),
    ],
)
def test_maps_that_are_enlarged_have_fields_that_lie_closer(modules, span):
    assert field_of(*modules) == both(*span)


def test_units_that_stand_for_one_see_the_same():
    field = field_of(conv(3, 2), nn.ConvTranspose2d(4, 4, 2, 2))
    assert [field.box(row, 0, PICTURE)[::2] for row in range(4)] == [(0, 3), (0, 3), (2, 5), (2, 5)]


def test_bins_of_different_sizes_have_fields_of_different_sizes():
    field = field_of(nn.AdaptiveAvgPool2d(5))  # of 48 and 36
    assert field == ReceptiveField(Span(11, Fraction(48, 5), 0), Span(8, Fraction(36, 5), 0))
    assert [field.rows.of(row, 48) for row in range(5)] == [(0, 10), (9, 20), (19, 29), (28, 39), (38, 48)]


@pytest.mark.parametrize(
    ("mode", "first"), [("zeros", (0, 2)), ("reflect", (0, 2)), ("replicate", (0, 2)), ("circular", (0, 48))]
)
def test_padding_that_shows_the_map_again_is_seen_where_it_comes_from(mode, first):
    field = field_of(conv(3, padding=1, padding_mode=mode))
    assert field == both(3, 1, -1)
    assert (field.rows.of(0, 48), field.rows.of(5, 48)) == (first, (4, 7))
    assert field_of(nn.ReflectionPad2d((4, 0, 2, 0))).box(0, 0, PICTURE) == (2, 4, 3, 5)
    assert field_after(lambda net, x: F.pad(x, (0, 0, 1, 0), mode="circular")).box(0, 0, PICTURE) == (47, 0, 48, 1)


# Where paths meet --------------------------------------------------------------------------------------------------


def test_a_sum_sees_what_any_of_its_terms_sees():
    assert field_after(lambda net, x: x + net.conv(x), conv=conv(5, padding=2)) == both(5, 1, -2)


def test_paths_on_different_sides_make_a_field_around_both():
    field = field_after(lambda net, x: net.conv(x)[:, :, 4:] + net.conv(x)[:, :, :-4], conv=conv(3))
    assert field == ReceptiveField(Span(7, 1, 0), Span(3, 1, 0))


def test_a_concatenation_sees_what_its_widest_branch_sees():
    field = field_after(
        lambda net, x: torch.cat([net.one(x), net.five(x), net.pool(x)], 1),
        one=conv(1),
        five=conv(5, padding=2),
        pool=nn.MaxPool2d(3, 1, 1),
    )
    assert field == both(5, 1, -2)


def test_a_shortcut_that_takes_every_second_pixel_meets_a_convolution_with_a_stride():
    def option_a(net, x):
        return F.pad(x[:, :, ::2, ::2], (0, 0, 0, 0, 0, 4)) + net.conv(x)

    assert field_after(option_a, conv=nn.Conv2d(4, 8, 3, 2, 1)) == both(3, 2, -1)


def test_an_enlarged_map_meets_the_one_from_which_it_was_made():
    def two_levels(net, x):
        high = net.down(net.stem(x))
        return net.up(high) + net.stem(x)

    field = field_after(two_levels, stem=conv(3, 2, 1), down=conv(3, 2, 1), up=nn.Upsample(scale_factor=2))
    assert field == both(7, 2, -3)  # unit 0 of the high map sees −3 … 3, and with it so do units 0 and 1
    assert [field.rows.of(row, 48) for row in (2, 3)] == [(1, 8), (1, 8)]


def test_paths_with_different_jumps_follow_no_pattern_but_every_unit_is_known():
    field = field_after(lambda net, x: x[:, :, ::2, ::2] + net.pool(x)[:, :, :24, :18], pool=nn.MaxPool2d(2, 1))
    assert field == ReceptiveField(Span(24, None, 0), Span(18, None, 0))
    assert field.box(10, 0, PICTURE) == (10, 0, 21, 2)


def test_what_does_not_come_from_the_picture_adds_nothing():
    field = field_after(
        lambda net, x: torch.cat([net.conv(x), net.conv.weight.view(1, -1, 1, 1).expand(1, 144, 46, 34)], 1),
        conv=conv(3),
    )
    assert field == both(3, 1, 0)


# The whole picture -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "module",
    [
        nn.AdaptiveAvgPool2d(1),
        nn.GroupNorm(2, 4),
        nn.InstanceNorm2d(4),
        nn.LayerNorm([4, 48, 36]),
        nn.Flatten(),
        nn.BatchNorm2d(4, track_running_stats=False),
        nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Upsample(size=(48, 36)), nn.ReLU(), conv(3)),
    ],
    ids=lambda module: type(module).__name__,
)
def test_what_mixes_everything_sees_the_whole(module):
    field = field_of(module)
    assert field == WHOLE
    assert (field.size, field.jump, field.start) == (None, None, None)
    assert field.is_known
    assert field.because
    assert field.box(0, 0, PICTURE) == (0, 0, 48, 36)


@pytest.mark.parametrize(
    "way",
    [
        lambda net, x: x * x.mean((2, 3), keepdim=True).sigmoid(),
        lambda net, x: x.flatten(2).mean(2),
        lambda net, x: x.reshape(1, 4, 36, 48),
        lambda net, x: torch.cumsum(x, 2).cumsum(3),
        lambda net, x: F.conv2d(x, x.mean((2, 3)).view(4, 1, 1, 1).expand(4, 4, 3, 3)),
        lambda net, x: F.conv2d(x, x[:, :, :3, :3].expand(4, 4, 3, 3)),
        lambda net, x: net.conv.weight.view(1, 4, 4, 9)[:, :1, :1, :1] * x.mean(),
        lambda net, x: torch.einsum("nchw->nhwc", x),
        lambda net, x: F.batch_norm(x, net.mean.clone(), net.mean.clone() + 1, training=True),
    ],
)
def test_ways_that_see_the_whole(way):
    model = Net(way, conv=conv(3), pool=nn.MaxPool2d(2, 1, padding=1))
    model.register_buffer("mean", torch.zeros(4))
    assert receptive_fields(model.eval(), PICTURE)[last_layer(model)] == WHOLE


def test_a_mean_along_the_rows_leaves_the_columns():
    field = field_after(lambda net, x: x.mean(2, keepdim=True))
    assert field == ReceptiveField(None, Span(1, 1, 0))
    assert field.size is None
    assert field.box(0, 7, PICTURE) == (0, 7, 48, 8)


def test_the_second_piece_along_the_rows_starts_where_the_first_one_ends():
    assert field_after(lambda net, x: x.chunk(2, 2)[1]) == ReceptiveField(Span(1, 1, 24), Span(1, 1, 0))
    assert field_after(lambda net, x: x.split([8, 30, 10], 2)[-1]) == ReceptiveField(Span(1, 1, 38), Span(1, 1, 0))
    assert field_after(lambda net, x: torch.cat(x.chunk(3, 2), 2)) == both(1, 1, 0)


def test_a_gate_from_a_global_pool_sees_the_whole_and_all_that_follows():
    fields = receptive_fields(gated().eval(), (1, 3, 13, 10))
    assert fields["conv"] == both(3, 2, 0)
    assert fields["mul"] == fields["last"] == WHOLE


@pytest.mark.parametrize(
    "build",
    [*EXACT.values(), *NORMALISED.values(), *UNUSUAL.values(), gated, lambda: with_activation(nn.SiLU)],
    ids=[*EXACT, *NORMALISED, *UNUSUAL, "gate", "SiLU"],
)
def test_every_map_that_the_picture_can_change_has_a_field(build):
    recording = record_shapes(build().eval(), (1, 3, 13, 10))
    maps = {
        recording.trace.names[node]
        for node, value in recording.values.items()
        if isinstance(value, Tensor) and node in recording.trace.from_picture
    }
    fields = fields_of(recording)
    assert maps <= set(fields)
    assert all(isinstance(field, ReceptiveField) for field in fields.values())


# Whole, and not known ----------------------------------------------------------------------------------------------


def of_the_last(model: nn.Module) -> ReceptiveField:
    return receptive_fields(model.eval(), PICTURE)[last_layer(model)]


@pytest.mark.parametrize(
    ("model", "because"),
    [
        (nn.Sequential(conv(3), nn.AdaptiveAvgPool2d(1), conv(1)), "1"),
        (nn.Sequential(conv(3), nn.GroupNorm(2, 4), conv(3)), "1"),
        (nn.Sequential(conv(3), nn.Flatten(), nn.Linear(46 * 34 * 4, 2)), "2"),
        (nn.Sequential(conv(3), nn.Flatten()), "1"),
        (Net(lambda net, x: x.mean((2, 3), keepdim=True) + torch.special.entr(x)), "mean"),
    ],
)
def test_the_whole_picture_is_said_to_come_from_the_operation_that_mixes_all_positions(model, because):
    field = of_the_last(model)
    assert (field, field.because, field.is_known) == (WHOLE, because, True)


@pytest.mark.parametrize(
    ("model", "because"),
    [
        (Net(lambda net, x: net.conv(torch.special.entr(x)), conv=conv(3)), "special_entr"),
        (Net(lambda net, x: F.conv2d(x, net.conv(x)[:, :, :3, :3].expand(4, 4, 3, 3)), conv=conv(3)), "conv2d"),
        (Net(lambda net, x: x.reshape(1, 4, 36, 48)), "reshape"),
        (Net(lambda net, x: x.flatten(2)), "flatten"),
        (Net(lambda net, x: x[:, :, :36] + x[:, :, :36].transpose(2, 3)), "add"),
    ],
)
def test_what_no_rule_describes_is_not_known(model, because):
    field = of_the_last(model)
    assert (field, field.because, field.is_known) == (WHOLE, because, False)


def test_a_vector_that_sees_all_of_the_picture_sees_the_whole():
    model = nn.Sequential(nn.Conv2d(4, 2, (48, 36)), nn.Flatten(), nn.Linear(2, 3)).eval()
    fields = receptive_fields(model, PICTURE)
    assert fields["0"] == ReceptiveField(Span(48, 1, 0), Span(36, 1, 0))
    assert fields["1"] == fields["2"] == WHOLE
    assert fields["1"].because == "1"


def test_tokens_see_everything_from_the_first_attention_on():
    def tokens(net, x):
        x = net.patches(x).flatten(2).transpose(1, 2)
        return net.attention(x, x, x, need_weights=False)[0]

    attention = nn.MultiheadAttention(8, 2, batch_first=True)
    model = Net(tokens, patches=nn.Conv2d(4, 8, 4, 4), attention=attention).eval()
    fields = receptive_fields(model, PICTURE)
    assert (fields["transpose"].because, fields["transpose"].is_known) == ("flatten", False)
    assert (fields["attention"].because, fields["attention"].is_known) == ("attention", True)


# What is held ------------------------------------------------------------------------------------------------------


def test_what_is_seen_through_a_gate_is_told_apart():
    fields = receptive_fields(gated().eval(), (1, 3, 13, 10))
    assert fields["conv"].held is None
    assert (fields["mul"].because, fields["mul"].is_known) == ("adaptive_avg_pool2d", True)
    assert fields["mul"].held == both(3, 2, 0)
    assert fields["last"].held == both(5, 2, 0)


@pytest.mark.parametrize(
    "gate",
    [
        lambda net, x: x.mean((2, 3), keepdim=True),
        lambda net, x: net.conv(x.mean((2, 3), keepdim=True)).sigmoid().expand_as(x),
        lambda net, x: torch.sigmoid(x.mean((2, 3), keepdim=True) + x),
        lambda net, x: F.hardsigmoid(x.mean(3, keepdim=True).mean(2, keepdim=True)),
    ],
)
@pytest.mark.parametrize("in_place", [False, True])
def test_a_gate_is_what_is_spread_or_comes_out_of_a_sigmoid(gate, in_place):
    def way(net, x):
        x = net.before(x)
        return x.mul_(gate(net, x)) if in_place else gate(net, x) * x

    field = of_the_last(Net(way, before=conv(3), conv=conv(1)))
    assert (field, field.held) == (WHOLE, both(3, 1, 0))


@pytest.mark.parametrize(
    "gate",
    [
        lambda x: 1 + torch.sigmoid(x.mean((2, 3), keepdim=True) + x),
        lambda x: torch.sigmoid(x.mean((2, 3), keepdim=True)).to(x.dtype).expand_as(x),
        lambda x: F.interpolate(torch.sigmoid(x.mean((2, 3), keepdim=True)), x.shape[2:]),
    ],
)
def test_what_is_made_of_a_gate_is_one(gate):
    field = of_the_last(Net(lambda net, x: (x := net.before(x)) * gate(x), before=conv(3)))
    assert (field, field.held) == (WHOLE, both(3, 1, 0))


@pytest.mark.parametrize("swapped", [False, True])
def test_of_two_factors_that_might_be_gates_the_one_out_of_a_sigmoid_is_held_as_on_the_way_down(swapped):
    def way(net, x):
        x = net.before(x)
        content, gate = x.mean((2, 3), keepdim=True), torch.sigmoid(x)
        return gate * content if swapped else content * gate

    field = of_the_last(Net(way, before=conv(3)))
    assert (field, field.held) == (WHOLE, None)  # the content itself comes from everywhere


def test_a_swish_written_out_has_nothing_to_hold():
    assert of_the_last(Net(lambda net, x: x * torch.sigmoid(x))).held is None


@pytest.mark.parametrize(
    "norm",
    [nn.GroupNorm(2, 4), nn.InstanceNorm2d(4), nn.LayerNorm([4, 46, 34]), nn.BatchNorm2d(4, track_running_stats=False)],
    ids=lambda norm: type(norm).__name__,
)
def test_what_is_seen_through_the_statistics_of_a_norm_is_told_apart(norm):
    field = field_of(conv(3), norm, conv(3))
    assert (field, field.because, field.held) == (WHOLE, "1", both(5, 1, 0))


# Boxes -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("place", "box"),
    [
        ((0, 0), (0, 0, 9, 9)),
        ((1, 2), (2, 6, 13, 17)),
        ((11, 8), (42, 30, 48, 36)),
    ],
)
def test_a_box_ends_at_the_border_of_the_picture(place, box):
    assert both(11, 4, -2).box(*place, shape=(48, 36)) == box


def test_a_unit_that_sees_only_padding_has_an_empty_box():
    top, left, bottom, right = field_of(conv(1, padding=2)).box(0, 0, PICTURE)
    assert (bottom - top, right - left) == (0, 0)


def test_pixels_that_a_stride_left_over_are_in_no_box_above_it():
    field = field_of(conv(3, 4), conv(3, padding=1), shape=(1, 4, 14, 14))  # pixels 11, 12 and 13 are left
    assert field == both(11, 4, -4)
    assert field.box(2, 2, (14, 14)) == (4, 4, 11, 11)


def test_pixels_that_were_cut_off_are_in_no_box_above():
    model = Net(lambda net, x: net.conv(x[:, :, 4:] + x[:, :, 2:-2]), conv=conv(3, padding=1)).eval()
    field = receptive_fields(model, PICTURE)["conv"]
    assert field == ReceptiveField(Span(5, 1, 1), Span(3, 1, -1))
    assert field.box(0, 0, PICTURE) == (2, 0, 6, 2)  # the row above was cut off, the padding in its place sees nothing


def test_fields_are_the_same_of_a_picture_and_of_its_shape():
    model = nn.Sequential(conv(3, 2, 1), nn.MaxPool2d(2)).eval()
    recorded = fields_of(record(model, torch.zeros(PICTURE)))
    assert recorded == receptive_fields(model, PICTURE)


def test_networks_without_memory_for_weights_are_understood():
    with torch.device("meta"):
        model = nn.Sequential(conv(3), nn.BatchNorm2d(4)).eval()
    assert receptive_fields(model, PICTURE)["1"] == both(3, 1, 0)
