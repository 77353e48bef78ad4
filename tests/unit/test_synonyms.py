"""What papers and pages call the parts of networks: right by the papers' tables, and once each."""

import pytest

from models import ARCHITECTURES
from models.synonyms import OtherNames, alike, other_names
from tests.unit.graphs import graph_of

OF_PAPERS = {  # as their tables print them
    "resnet50": {"conv1": "conv1", "layer1": "conv2_x", "layer2": "conv3_x", "layer3": "conv4_x", "layer4": "conv5_x"},
    "resnet50_v2": {"layer1": "conv2_x", "layer4": "conv5_x"},
    "plain34": {"layer3": "conv4_x"},
    "vgg16": {
        **{"features.0": "conv1_1", "features.1": "relu1_1", "features.2": "conv1_2", "features.4": "pool1"},
        **{"features.28": "conv5_3", "features.29": "relu5_3", "features.30": "pool5"},
        **{"classifier.0": "fc6", "classifier.1": "relu6", "classifier.3": "fc7", "classifier.6": "fc8"},
    },
    "vgg11": {"features.0": "conv1_1", "features.3": "conv2_1", "features.8": "conv3_2", "features.18": "conv5_2"},
    "alexnet": {
        **{"features.0": "conv1", "features.2": "pool1", "features.3": "conv2", "features.6": "conv3"},
        **{"features.8": "conv4", "features.10": "conv5", "features.12": "pool5", "classifier.6": "fc8"},
    },
    "googlenet": {"inception3a": "inception (3a)", "inception5b": "inception (5b)"},
    "densenet121": {"features.denseblock1": "Dense Block (1)", "features.transition3": "Transition Layer (3)"},
    "squeezenet1_0": {"features.0": "conv1", "features.3": "fire2", "features.12": "fire9", "classifier.1": "conv10"},
    "squeezenet1_1": {"features.3": "fire2", "features.9": "fire6", "features.12": "fire9"},
    "efficientnet_b0": {"features.0": "stage 1", "features.1.0.block": "stage 2", "features.8": "stage 9"},
    "efficientnet_lite0": {
        **{"features.stem": "stage 1", "features.stage2.block1": "stage 2", "features.stage3": "stage 3"},
        **{"features.stage7": "stage 7", "features.head": "stage 9"},
    },
    "convnext_tiny": {"features.1": "res2", "features.3": "res3", "features.7": "res5"},
}
LAYERS = {  # of the pages that project them
    "resnet50": {"conv1": "1", "maxpool": "2", "layer1": "2", "layer2": "3", "layer3": "4", "layer4": "5"},
    "resnet50_v2": {"layer1": "2", "layer2": "3", "layer4": "5"},
    "vgg16": {"features.0": "1", "features.3": "1", "features.5": "2", "features.29": "5"},
    "googlenet": {"conv1": "1", "inception3a": "3", "inception3b": "3", "inception4a": "4", "inception5b": "5"},
    "lenet5": {"features.c1": "C1", "features.c3": "C3", "features.c5": "C5"},
}


def names_of(network: str) -> dict[str, OtherNames]:
    graph, architecture = graph_of(network), ARCHITECTURES[network]
    kinds = {node.name: node.kind for node in graph.nodes.values()}
    blocks = {name: [node.name for node in graph.operations(name)] for name in graph.blocks if name}
    return other_names(architecture, architecture.layers, kinds, blocks)


@pytest.mark.parametrize("network", OF_PAPERS)
def test_parts_have_the_names_of_their_papers(network):
    found = names_of(network)
    assert {name: found[name].paper for name in OF_PAPERS[network]} == OF_PAPERS[network]


@pytest.mark.parametrize("network", LAYERS)
def test_parts_belong_to_the_layers_that_are_projected(network):
    found = names_of(network)
    assert {name: found[name].layer for name in LAYERS[network]} == LAYERS[network]


@pytest.mark.parametrize("network", [*OF_PAPERS, "lenet5", "mobilenet_v2"])
def test_a_name_is_given_once_and_to_what_is_there(network):
    graph, found = graph_of(network), names_of(network)
    assert found.keys() <= graph.nodes.keys() | graph.blocks.keys()
    given = [other.paper for other in found.values() if other.paper]
    assert sorted(given) == sorted(set(given))
    assert {other.layer for other in found.values()} - {None} == {*ARCHITECTURES[network].layers}


def test_a_block_of_many_layers_belongs_to_none_and_what_follows_the_last_to_none():
    found = names_of("vgg16")
    assert "features" not in found
    assert found["classifier.0"].layer is None


@pytest.mark.parametrize(
    ("network", "block", "stage"),
    [("resnet50", "layer2", "3"), ("plain34", "layer4", "5"), ("vgg16", "features.0", None)],
)
def test_a_residual_network_has_stages_with_its_stem_as_the_first(network, block, stage):
    assert names_of(network)[block].stage == stage


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("inception3a", "inception (3a)", True),
        ("features.conv1", "conv1", True),
        ("layer2", "conv3_x", False),
        ("features.0", "conv1_1", False),
    ],
)
def test_names_that_differ_in_signs_alone_are_alike(one, other, same):
    assert alike(one, other) is same
