"""How a signal goes down through every kind of operation: one small rule each, all in the table `RULES`.

The paper's own steps are in `vis.steps`; what later networks need is in `vis.transposes`, where it is exact, and in
`vis.gates`, where something has to be held at its value.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

from torch import Tensor, fx

from vis.gates import (
    INSTANCE_NORM,
    factors,
    gate_in,
    hold_gate,
    scale_by_constant,
    scale_by_group_norm,
    scale_by_layer_norm,
    scale_by_rms_norm,
    self_gate,
)
from vis.operations import plain_name
from vis.steps import (
    Down,
    NoRule,
    Step,
    filter_transposed,
    is_list_of_maps,
    keep,
    no_rule,
    rectify,
    transpose,
    transpose_across_maps,
    unpool,
)
from vis.transposes import (
    copy,
    permute,
    piece,
    reshape,
    scale_by_norm,
    split,
    spread,
    transpose_linear,
    unpad,
    unpool_maximum,
    unpool_whole,
)

__all__ = ["RULES", "NoRule", "Rule", "numbers_read", "rule_of"]


@dataclass(frozen=True)
class Rule:
    """What is done to the signal, in one word; how; and, where the paper defines nothing, what was assumed."""

    step: str
    down: Down
    approximation: str | None = None
    gradient: Down | None = None  # what the gradient does instead; it is defined everywhere and assumes nothing
    joins: bool = False  # whether it may have several signals, such as the terms of a sum

    @property
    def is_linear(self) -> bool:
        """Whether it is the operation's transpose, and not one of the method's own steps."""
        return self.approximation is None and self.step not in ("rectify", "keep")


# Rules that depend on what the call was given; None where there is none -------------------------------------------


def product(step: Step) -> Rule:
    """A constant scales; a value times a function of itself is an activation function; else one factor is a gate."""
    if len(factors(step)) == 1:
        return Rule("scale", scale_by_constant, joins=True)
    if found := self_gate(step):
        return Rule("rectify", found.rectify, f"{found.name} treated as ReLU", gradient=transpose, joins=True)
    return Rule("scale", hold_gate, "gates held at their value", gradient=transpose, joins=True)


def part(step: Step) -> Rule:
    """A part of a map, or one of the pieces of a split one, and no other list's."""
    source = step.source
    is_list = is_list_of_maps(step.value(source)) and plain_name(source, step.recording.model) not in SPLITS
    if is_list and step.method != "gradient":
        raise no_rule(step, source)
    return Rule("transpose", piece, joins=True)


SPLITS = {"chunk", "split", "unbind", "tensorsplit"}


def product_and_sum(step: Step) -> Rule | None:
    """addcmul is linear where one of its two factors is a constant."""
    both = [step.argument(place, f"tensor{place}") in step.signals for place in (1, 2)]
    return None if all(both) else Rule("scale", transpose, joins=True)


def quotient(step: Step) -> Rule | None:
    """A division by a constant, such as the pictures' deviation, scales."""
    is_by_constant = factors(step) == [step.argument(0, "input")] and "rounding_mode" not in step.node.kwargs
    return Rule("scale", transpose, joins=True) if is_by_constant else None


def clamp(step: Step) -> Rule | None:
    """From 0 on it is a ReLU, and up to 6 ReLU6."""
    low, high = step.parameter("min max", min=None, max=None).values()
    if not isinstance(low, (int, float)):
        return None
    if low == 0 and (high is None or high == 6):
        return RULES["relu" if high is None else "relu6"]
    return Rule("rectify", rectify, "clamp treated as ReLU")


def batch_norm(step: Step) -> Rule | None:
    """With the statistics of this very picture there is none."""
    norm = step.parameter("running_mean running_var weight bias training", training=False)
    return None if norm["running_var"] is None or norm["training"] else Rule("scale", scale_by_norm)


def instance_norm(step: Step) -> Rule:
    """With the statistics of training, which a module may keep, it is a batch norm."""
    names = "running_mean" if step.node.op == "call_module" else INSTANCE_NORM
    given = step.parameter(names, running_mean=None, use_input_stats=True)
    if given["running_mean"] is not None and not given.get("use_input_stats"):
        return Rule("scale", scale_by_norm)
    return Rule("scale", scale_by_group_norm, "instance norm with its statistics held", gradient=transpose)


# The table --------------------------------------------------------------------------------------------------------


def _all(rule: Rule | Callable[[Step], Rule | None], names: str) -> dict[str, Rule | Callable[[Step], Rule | None]]:
    return dict.fromkeys(names.split(), rule)


def _like_relu(name: str, names: str) -> dict[str, Rule]:
    return _all(Rule("rectify", rectify, f"{name} treated as ReLU"), names)


RULES: dict[str, Rule | Callable[[Step], Rule | None]] = {
    # Zeiler & Fergus 2013, section 2.1; contrast normalisation, which is across maps, is left out on the way down
    **_all(Rule("unpool", unpool), "maxpool2d"),
    **_all(Rule("rectify", rectify), "relu"),
    **_all(Rule("filter", filter_transposed), "conv2d"),
    **_all(Rule("filter", transpose_linear), "linear"),
    **_all(Rule("keep", keep, gradient=transpose_across_maps), "localresponsenorm"),
    **_all(Rule("keep", keep), "dropout dropout1d dropout2d dropout3d alphadropout featurealphadropout"),
    **_all(Rule("keep", keep), "stochasticdepth identity contiguous clone detach float double half bfloat16"),
    **_all(Rule("keep", keep, joins=True), "to typeas"),  # of another map they ask the precision
    # The same of other shapes
    **_all(Rule("unpool", unpool_whole), "maxpool1d maxpool3d adaptivemaxpool1d adaptivemaxpool2d adaptivemaxpool3d"),
    **_all(Rule("unpool", unpool_maximum, "maximum treated as max pooling", gradient=transpose), "amax"),
    **_all(Rule("filter", transpose), "conv1d conv3d convtranspose1d convtranspose2d convtranspose3d"),
    # Later networks, exactly
    **_all(batch_norm, "batchnorm batchnorm1d batchnorm2d batchnorm3d syncbatchnorm"),
    **_all(Rule("spread", spread), "avgpool2d"),
    **_all(Rule("spread", transpose), "avgpool1d avgpool3d mean"),
    **_all(Rule("spread", transpose), "adaptiveavgpool1d adaptiveavgpool2d adaptiveavgpool3d"),
    **_all(Rule("copy", copy, joins=True), "add iadd"),
    **_all(Rule("copy", transpose), "sum cumsum"),
    **_all(Rule("split", split, joins=True), "cat concat concatenate"),
    **_all(Rule("split", transpose, joins=True), "stack"),
    **_all(Rule("transpose", transpose, joins=True), "sub isub rsub subtract"),
    **_all(Rule("transpose", transpose), "neg negative positive"),
    **_all(Rule("transpose", transpose), "matmul imatmul mm bmm mv dot addmm einsum tensordot"),  # by a constant
    **_all(quotient, "div idiv divide truediv itruediv"),
    **_all(product, "mul imul multiply"),
    **_all(product_and_sum, "addcmul"),
    # The same values in other places
    **_all(Rule("reshape", reshape), "flatten view reshape"),
    **_all(Rule("reshape", transpose, joins=True), "viewas reshapeas"),
    **_all(part, "getitem"),
    **_all(Rule("transpose", permute), "permute"),
    **_all(Rule("transpose", transpose), "transpose swapaxes swapdims movedim moveaxis t unflatten squeeze unsqueeze"),
    **_all(Rule("transpose", transpose), "narrow select indexselect flip fliplr flipud roll rot90 diagonal tril triu"),
    **_all(Rule("transpose", transpose), "repeat repeatinterleave tile expand broadcastto unfold fold"),
    **_all(Rule("copy", transpose, joins=True), "expandas"),
    **_all(Rule("transpose", transpose), "pixelshuffle pixelunshuffle channelshuffle"),
    **_all(Rule("transpose", transpose), "interpolate upsample upsamplingnearest2d upsamplingbilinear2d"),
    **_all(Rule("transpose", unpad), "pad zeropad1d zeropad2d zeropad3d constantpad1d constantpad2d constantpad3d"),
    **_all(Rule("transpose", transpose), "reflectionpad1d reflectionpad2d reflectionpad3d"),
    **_all(Rule("transpose", transpose), "replicationpad1d replicationpad2d replicationpad3d"),
    **_all(Rule("transpose", transpose), "circularpad1d circularpad2d circularpad3d"),
    # What the paper does not define
    **_all(Rule("scale", scale_by_layer_norm, "layer norm with its statistics held", gradient=transpose), "layernorm"),
    **_all(Rule("scale", scale_by_rms_norm, "RMS norm with its statistics held", gradient=transpose), "rmsnorm"),
    **_all(Rule("scale", scale_by_group_norm, "group norm with its statistics held", gradient=transpose), "groupnorm"),
    **_all(instance_norm, "instancenorm instancenorm1d instancenorm2d instancenorm3d"),
    **_all(clamp, "clamp clip clampmin"),
    **_like_relu("ReLU6", "relu6"),
    **_like_relu("SiLU", "silu"),
    **_like_relu("GELU", "gelu"),
    **_like_relu("Hardswish", "hardswish"),
    **_like_relu("Mish", "mish"),
    **_like_relu("leaky ReLU", "leakyrelu rrelu"),
    **_like_relu("PReLU", "prelu"),
    **_like_relu("ELU", "elu"),
    **_like_relu("SELU", "selu"),
    **_like_relu("CELU", "celu"),
    **_like_relu("softplus", "softplus"),
    **_like_relu("threshold", "threshold"),
    **_like_relu("tanh", "tanh"),
    **_like_relu("Hardtanh", "hardtanh"),
}


def rule_of(step: Step) -> Rule:
    """The rule for this operation.

    Raises:
        NoRule: naming the operation, where the method has none.
    """
    if not step.signals:
        return _of_no_signal(step)
    rule = _known(step)
    is_usual = _is_usual(step, rule)
    if step.method == "gradient":
        down = (rule.gradient or rule.down) if is_usual else transpose
        return replace(rule, down=down, approximation=None) if rule else Rule("transpose", down)
    if not is_usual:
        rule = _for_the_unusual(step, rule)
    if rule is None:
        raise no_rule(step)
    return rule


def _known(step: Step) -> Rule | None:
    known = RULES.get(step.operation)
    return known(step) if callable(known) else known


def _is_usual(step: Step, rule: Rule | None) -> bool:
    """Whether its maps come as the rule expects them."""
    return step.is_plain and rule is not None and (rule.joins or step.signals == [step.source])


def numbers_read(step: Step) -> list[fx.Node]:
    """Of what an operation read on the way up, the results whose numbers its rule asks for on the way down.

    Of everything else the shape will do: what is linear gives the same whatever was there, a max pool has switches, and
    a ReLU of the deconvnet looks at the signal.
    """
    if not step.signals or step.operation in SPLITS:  # of the pieces each knows its place
        return []
    try:
        rule = _known(step)
    except NoRule:
        rule = None
    of_gradient = step.method == "gradient"
    if of_gradient and (rule is None or rule.gradient or not _is_usual(step, rule)):
        return step.signals  # for autograd
    if rule is None:
        return []  # nothing goes down
    if rule.down is hold_gate:
        return gate_in(step)
    asks = {
        "keep": False,
        "rectify": step.method != "deconvnet",
        "unpool": rule.down is not unpool or not _is_usual(step, rule),
    }
    return step.signals if asks.get(rule.step, not rule.is_linear) else []


def _of_no_signal(step: Step) -> Rule:
    """What reads the shape of a map sends nothing down; of a map of whole numbers nothing is known."""
    read = [n for n in step.node.all_input_nodes if n in step.recording.trace.from_picture]
    if any(isinstance(step.value(n), Tensor) for n in read):
        raise no_rule(step)
    return Rule("transpose", transpose)


def _for_the_unusual(step: Step, rule: Rule | None) -> Rule | None:
    """Of groups in the batch, or of a signal that comes in another place; two signals at once have no rule.

    Such as filters that are made from the picture: a product of two signals.
    """
    if rule is None or not (rule.joins or len(step.signals) == 1):
        return None
    if rule.is_linear and not (rule.step == "unpool" and step.unpooling == "overwrite"):
        return replace(rule, down=transpose)
    return rule if rule.joins or (rule.step in ("rectify", "keep") and step.signals == [step.source]) else None
