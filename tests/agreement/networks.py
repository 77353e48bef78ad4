"""Small networks, one for every way in which an operation can be written; each takes a picture of 3 × 13 × 10."""

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import (
    AdaptiveAvgPool2d,
    AvgPool2d,
    BatchNorm2d,
    Conv2d,
    Dropout,
    Flatten,
    Identity,
    LayerNorm,
    Linear,
    LocalResponseNorm,
    MaxPool2d,
    ReLU,
    Sequential,
)
from torch.nn import functional as F
from torchvision.ops import Permute

from vis.trace import traced

PICTURE = (1, 3, 13, 10)


class Net(nn.Module):
    """A network whose way through its modules is a function of the network and its input."""

    def __init__(self, way: Callable[[nn.Module, Tensor], Tensor], **modules: nn.Module):
        super().__init__()
        self.way = way
        for name, module in modules.items():
            self.add_module(name, module)

    def forward(self, x: Tensor) -> Tensor:
        return self.way(self, x)


def seeded(build: Callable[[], nn.Module], seed: int = 0) -> nn.Module:
    """The network with weights drawn from `seed`, batch norms as if trained, in float64 and evaluation mode."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = build().double().eval()
        for module in model.modules():
            if isinstance(module, (nn.BatchNorm1d, BatchNorm2d)):
                for values, low, high in (
                    (module.running_mean, -0.5, 0.5),
                    (module.running_var, 0.3, 3.0),
                    (module.weight, -1.0, 2.0),  # some scales turn the sign
                    (module.bias, -0.3, 0.7),
                ):
                    nn.init.uniform_(values, low, high)
    return model


def picture(shape: tuple[int, ...] = PICTURE, seed: int = 1, dtype: torch.dtype = torch.float64) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64).to(dtype)


def last_layer(model: nn.Module) -> str:
    """The name of the last operation before the output."""
    return [name for node, name in traced(model).names.items() if node.op != "output"][-1]


# Ways ------------------------------------------------------------------------------------------------------------


def written_with_functions(net: nn.Module, x: Tensor) -> Tensor:
    x = F.max_pool2d(F.relu(net.conv1(x)), 3, 2, ceil_mode=True)
    x = torch.relu(net.conv2(x))
    x = torch.max_pool2d(net.conv3(x).relu(), 2, stride=1)
    return F.relu(
        F.conv2d(F.avg_pool2d(x, 2, padding=1), net.conv4.weight, padding=1, bias=net.conv4.bias), inplace=True
    )


def in_place(net: nn.Module, x: Tensor) -> Tensor:
    x = F.relu_(net.conv1(x))
    y = net.bn(net.conv2(x))
    y += x
    y = net.conv3(net.relu(y))
    y *= 0.5
    return y.add_(x).relu_()


def with_a_reused_relu(net: nn.Module, x: Tensor) -> Tensor:
    x = net.relu(net.conv1(x))
    y = net.relu(net.conv2(x) + x)
    return net.relu(net.conv2(y))  # and a reused convolution


def residual(net: nn.Module, x: Tensor) -> Tensor:
    y = net.bn2(net.conv2(net.bn1(net.conv1(x)).relu()))
    x = (y + net.projection(x)).relu()
    return (net.conv3(x) + x).relu()


def inception(net: nn.Module, x: Tensor) -> Tensor:
    x = net.stem(x).relu()
    branches = [net.one(x), net.three(net.reduce(x).relu()), net.five(x), net.pool(x)]
    return torch.cat(branches, 1).relu()


def dense(net: nn.Module, x: Tensor) -> Tensor:
    maps = [net.conv1(x)]
    for conv in (net.conv2, net.conv3):
        maps.append(conv(torch.cat(maps, dim=1).relu()))
    return F.avg_pool2d(torch.cat(maps, -3).relu(), 2)


def fire_twice(net: nn.Module, x: Tensor) -> Tensor:
    x = net.conv1(x).relu()
    return torch.cat([x, net.conv2(x), x], 1)


def chunked(net: nn.Module, x: Tensor) -> Tensor:
    one, two = net.conv1(x).relu().chunk(2, 1)
    return torch.cat([two, net.conv2(one).relu()], 1)


def some_channels(net: nn.Module, x: Tensor) -> Tensor:
    x = net.conv1(x).relu()
    return (net.conv2(x[:, 1:3]) + x[:, :2]).relu()


def shuffled(net: nn.Module, x: Tensor) -> Tensor:
    x = net.conv1(x).relu()
    n, c, h, w = x.shape
    x = x.view(n, 2, c // 2, h, w).transpose(1, 2).reshape(n, c, h, w)
    return net.conv2(x).relu()


def classified(net: nn.Module, x: Tensor) -> Tensor:
    x = F.max_pool2d(net.conv1(x).relu(), 2)
    x = net.fc1(x.view(x.size(0), -1)).relu()
    return net.fc2(F.dropout(x, training=net.training)).relu()


def called_by_name(net: nn.Module, x: Tensor) -> Tensor:
    x = F.conv2d(weight=net.conv1.weight, input=torch.div(other=2, input=x), stride=(2,), padding=(1,))
    x = F.relu(input=x, inplace=True)
    y = torch.add(other=x, input=net.conv2(input=x), alpha=2)
    y = torch.cat(dim=1, tensors=[y, torch.mul(other=0.5, input=x), x.add(other=y)])
    y = F.avg_pool2d(kernel_size=(2,), input=F.max_pool2d(stride=1, kernel_size=(2,), input=y), stride=(1,))
    return torch.add(other=y, input=y).relu()


def padded_by_hand(net: nn.Module, x: Tensor) -> Tensor:
    x = F.relu(net.conv1(F.pad(x, (1, 2, 0, 1))))
    return F.interpolate(x - x.mean((2, 3), keepdim=True), scale_factor=2).relu()


def padded_unevenly(net: nn.Module, x: Tensor) -> Tensor:
    x = net.conv1(net.right_and_below(x)).relu()
    x = net.sum(x + F.pad(x, (1, -1, -2, 2), value=0.5))  # moved by a row and a column
    x = net.conv2(net.around(F.pad(x, [0, 0, 0, 0, 1, 2]))).relu()  # between empty maps
    return net.conv3(F.pad(F.pad(x, (2, 1, 0, 0), "replicate"), (-2, 0, 0, -1))).relu()


def pre_activated_in_place(net: nn.Module, x: Tensor) -> Tensor:
    x = net.conv1(x)
    y = net.conv2(net.relu(x))  # in place: from here on x is rectified, too
    return x + y


def with_a_constant_map(net: nn.Module, x: Tensor) -> Tensor:
    return net.conv2(
        torch.cat([net.conv1(x).relu(), net.conv1.bias.expand(1, 4).view(1, 4, 1, 1).expand(1, 4, 13, 10)], 1)
    )


def moved(net: nn.Module, x: Tensor) -> Tensor:
    x = net.conv1(x.flip(3).roll((1, 2), (2, 3))).relu()
    x = torch.movedim(x, 1, -1).narrow(1, 1, 9).movedim(-1, 1)
    y = x.to(torch.float32).to(x.dtype).swapaxes(2, 3)
    return net.conv2(torch.rot90(y, 1, (2, 3)) + x.sum((2, 3), keepdim=True).expand_as(x)).relu()


def taken_apart(net: nn.Module, x: Tensor) -> Tensor:
    x = net.conv1(x).relu()
    x = torch.stack([x.select(1, 2), x.select(1, 0)], 1).repeat(1, 2, 1, 1)
    x = net.conv2(torch.index_select(x, 1, torch.tensor([3, 0, 0, 1]))).relu()
    return torch.matmul(x, net.matrix.weight.t()) - x[..., :5].sum(1, keepdim=True)


def folded(net: nn.Module, x: Tensor) -> Tensor:
    n, c, h, w = (x := net.conv1(x).relu()).shape
    x = net.conv2(x.reshape(n * 2, c // 2, h, w)).relu()
    return F.max_pool2d(x.reshape(n, 6, h - 1, w - 1), 2)


# The alphabet ----------------------------------------------------------------------------------------------------

EXACT: dict[str, Callable[[], nn.Module]] = {
    "convolutions": lambda: Sequential(Conv2d(3, 4, 3), ReLU(), Conv2d(4, 4, (3, 2)), ReLU(), Conv2d(4, 4, 3)),
    "padding": lambda: Sequential(Conv2d(3, 4, 3, padding=2), ReLU(), Conv2d(4, 3, 3, padding=(0, 1)), ReLU()),
    "padding beyond the kernel": lambda: Sequential(Conv2d(3, 4, 1, padding=1), ReLU(), Conv2d(4, 3, 3, 2, padding=3)),
    "padding by name": lambda: Sequential(
        Conv2d(3, 4, (3, 5), padding="same"), ReLU(), Conv2d(4, 3, 3, padding="valid")
    ),
    "reflected padding": lambda: Sequential(
        Conv2d(3, 4, 3, padding=1, padding_mode="reflect"), ReLU(), Conv2d(4, 3, 3)
    ),
    "strides leave pixels over": lambda: Sequential(Conv2d(3, 4, 3, 3), ReLU(), Conv2d(4, 5, 2, stride=(1, 2)), ReLU()),
    "oblong kernels in strides": lambda: Sequential(
        Conv2d(3, 4, (5, 2), 2), ReLU(), Conv2d(4, 9, (1, 4), 2, (0, 2)), ReLU()
    ),
    "strides leave gaps": lambda: Sequential(Conv2d(3, 4, 1, 2), ReLU(), Conv2d(4, 4, 2, 3), ReLU()),
    "dilation": lambda: Sequential(
        Conv2d(3, 4, 3, dilation=2), ReLU(), Conv2d(4, 4, 2, dilation=(1, 3), padding=2), ReLU()
    ),
    "dilation without padding": lambda: Sequential(
        Conv2d(3, 4, 3, dilation=2), ReLU(), Conv2d(4, 4, 2, dilation=(1, 3)), ReLU()
    ),
    "groups": lambda: Sequential(Conv2d(3, 6, 3, groups=3), ReLU(), Conv2d(6, 4, 3, groups=2, stride=2), ReLU()),
    "depthwise": lambda: Sequential(
        Conv2d(3, 4, 1), ReLU(), Conv2d(4, 4, 3, 2, 1, groups=4), ReLU(), Conv2d(4, 5, 1), ReLU()
    ),
    "no bias": lambda: Sequential(Conv2d(3, 4, 3, bias=False), ReLU(), Conv2d(4, 4, 3, bias=False)),
    "overlapping pools": lambda: Sequential(
        Conv2d(3, 4, 3), ReLU(), MaxPool2d(3, 2), Conv2d(4, 4, 3, padding=1), ReLU(), MaxPool2d(3, 1)
    ),
    "pools over the border": lambda: Sequential(
        Conv2d(3, 4, 3, padding=1), ReLU(), MaxPool2d(3, 2, padding=1), Conv2d(4, 4, 2), MaxPool2d(3, 2, ceil_mode=True)
    ),
    "dilated pools": lambda: Sequential(
        Conv2d(3, 4, 3), MaxPool2d(3, 1, dilation=2), ReLU(), MaxPool2d((2, 3), (1, 2), (0, 1), (2, 1), ceil_mode=True)
    ),
    "batch norms": lambda: Sequential(
        Conv2d(3, 4, 3, bias=False), BatchNorm2d(4), ReLU(), Conv2d(4, 4, 3, 2), BatchNorm2d(4), ReLU()
    ),
    "average pools": lambda: Sequential(
        Conv2d(3, 4, 3), ReLU(), AvgPool2d(3, 2, padding=1), Conv2d(4, 4, 1), ReLU(), AvgPool2d(2, 1)
    ),
    "average pools over the border": lambda: Sequential(
        Conv2d(3, 4, 2),
        ReLU(),
        AvgPool2d(3, 2, 1, ceil_mode=True, count_include_pad=False),
        AvgPool2d((2, 3), 2, ceil_mode=True),
    ),
    "average pools with a divisor": lambda: Sequential(
        Conv2d(3, 4, 3), ReLU(), AvgPool2d(2, divisor_override=3), AvgPool2d(3, 2, (1, 0), True, divisor_override=2)
    ),
    "adaptive pools": lambda: Sequential(
        Conv2d(3, 4, 3), ReLU(), AdaptiveAvgPool2d((4, 5)), Conv2d(4, 4, 3), ReLU(), AdaptiveAvgPool2d(1), Flatten()
    ),
    "fully connected": lambda: Sequential(
        Conv2d(3, 4, 3, 2), ReLU(), MaxPool2d(2), Dropout(), Flatten(), Linear(24, 7), ReLU(), Linear(7, 5)
    ),
    "a sequence of sequences": lambda: Sequential(
        Sequential(Conv2d(3, 4, 3), Sequential(BatchNorm2d(4), ReLU())),
        Sequential(Sequential(MaxPool2d(2)), Conv2d(4, 4, 2)),
    ),
    "the picture first passed on": lambda: Sequential(Identity(), Dropout(), Conv2d(3, 4, 3), ReLU()),
    "no ReLU": lambda: Sequential(Conv2d(3, 4, 3), MaxPool2d(2)),
    "functions": lambda: Net(
        written_with_functions,
        conv1=Conv2d(3, 4, 3),
        conv2=Conv2d(4, 4, 1),
        conv3=Conv2d(4, 4, 2),
        conv4=Conv2d(4, 3, 2),
    ),
    "in place": lambda: Net(
        in_place,
        conv1=Conv2d(3, 4, 3),
        conv2=Conv2d(4, 4, 3, padding=1),
        conv3=Conv2d(4, 4, 1),
        bn=BatchNorm2d(4),
        relu=ReLU(True),
    ),
    "pre-activated in place": lambda: Net(
        pre_activated_in_place, conv1=Conv2d(3, 4, 3), conv2=Conv2d(4, 4, 3, padding=1), relu=ReLU(True)
    ),
    "reused modules": lambda: Net(
        with_a_reused_relu, conv1=Conv2d(3, 4, 3, 2), conv2=Conv2d(4, 4, 3, padding=1), relu=ReLU()
    ),
    "residual": lambda: Net(
        residual,
        conv1=Conv2d(3, 4, 3, 2, 1),
        conv2=Conv2d(4, 4, 3, 1, 1),
        conv3=Conv2d(4, 4, 3, 1, 1),
        bn1=BatchNorm2d(4),
        bn2=BatchNorm2d(4),
        projection=Conv2d(3, 4, 1, 2),
    ),
    "x + x": lambda: Net(
        lambda net, x: net.conv2(torch.add(x + x, net.conv1(x).relu())).relu() + 1,
        conv1=Conv2d(3, 3, 1),
        conv2=Conv2d(3, 3, 3),
    ),
    "weighted sum": lambda: Net(
        lambda net, x: torch.add(net.conv1(x).relu(), net.conv2(x).relu(), alpha=-2),
        conv1=Conv2d(3, 4, 3),
        conv2=Conv2d(3, 4, 3),
    ),
    "inception": lambda: Net(
        inception,
        stem=Conv2d(3, 4, 3, 2),
        one=Conv2d(4, 2, 1),
        reduce=Conv2d(4, 2, 1),
        three=Conv2d(2, 3, 3, padding=1),
        five=Conv2d(4, 2, 5, padding=2),
        pool=Sequential(MaxPool2d(3, 1, 1), Conv2d(4, 1, 1)),
    ),
    "dense": lambda: Net(
        dense, conv1=Conv2d(3, 2, 3), conv2=Conv2d(2, 3, 3, padding=1), conv3=Conv2d(5, 2, 3, padding=1)
    ),
    "the same map twice": lambda: Net(fire_twice, conv1=Conv2d(3, 2, 3, 2), conv2=Conv2d(2, 2, 3, padding=1)),
    "a constant map": lambda: Net(with_a_constant_map, conv1=Conv2d(3, 4, 3, padding=1), conv2=Conv2d(8, 3, 3, 2)),
    "arguments by name": lambda: Net(
        called_by_name, conv1=Conv2d(3, 4, 3), conv2=Conv2d(4, 4, 3, padding=(1,), stride=(1,))
    ),
    "batch norm with the statistics of training": lambda: Net(
        lambda net, x: F.batch_norm(net.conv(x), net.bn.running_mean, net.bn.running_var).relu(),
        conv=Conv2d(3, 4, 3),
        bn=BatchNorm2d(4),
    ),
    "chunks joined again": lambda: Net(
        lambda net, x: net.conv2(torch.cat(net.conv1(x).relu().chunk(2, 1), 1)),
        conv1=Conv2d(3, 4, 3),
        conv2=Conv2d(4, 3, 2),
    ),
    "chunk": lambda: Net(chunked, conv1=Conv2d(3, 4, 3, 2), conv2=Conv2d(2, 2, 3, padding=1)),
    "some channels": lambda: Net(some_channels, conv1=Conv2d(3, 4, 3, 2), conv2=Conv2d(2, 2, 1)),
    "shuffled channels": lambda: Net(shuffled, conv1=Conv2d(3, 4, 3, 2), conv2=Conv2d(4, 4, 2, groups=2)),
    "view and dropout": lambda: Net(classified, conv1=Conv2d(3, 3, 4, 2), fc1=Linear(12, 6), fc2=Linear(6, 5)),
    "pad, mean and resize": lambda: Net(padded_by_hand, conv1=Conv2d(3, 3, 4, 3)),
    "uneven paddings": lambda: Net(
        padded_unevenly,
        right_and_below=nn.ZeroPad2d((0, 1, 0, 1)),
        sum=Identity(),
        around=nn.ConstantPad2d((1, 2, 1, 2), 0.5),
        conv1=Conv2d(3, 4, 3, 2),
        conv2=Conv2d(7, 3, 5, 2),
        conv3=Conv2d(3, 3, 2),
    ),
    "moves": lambda: Net(moved, conv1=Conv2d(3, 4, 3), conv2=Conv2d(4, 3, 2)),
    "parts": lambda: Net(taken_apart, conv1=Conv2d(3, 4, 3), conv2=Conv2d(4, 3, 2), matrix=Linear(7, 5, bias=False)),
    "other paddings": lambda: Sequential(
        Conv2d(3, 4, 3, padding=1, padding_mode="replicate"),
        ReLU(),
        nn.CircularPad2d((1, 2, 0, 1)),
        Conv2d(4, 4, 3, 2, padding=1, padding_mode="circular"),
        nn.ReplicationPad2d(1),
        ReLU(),
        nn.ConstantPad2d((1, 0, 2, 0), 0.7),
        Conv2d(4, 3, 2),
    ),
    "groups in the batch": lambda: Net(folded, conv1=Conv2d(3, 4, 3), conv2=Conv2d(2, 3, 2)),
    "adaptive max pools": lambda: Sequential(
        Conv2d(3, 4, 3), ReLU(), nn.AdaptiveMaxPool2d((7, 5)), Conv2d(4, 4, 2), nn.AdaptiveMaxPool2d((1, 2))
    ),
    "norms of several machines and dropouts": lambda: Sequential(
        Conv2d(3, 4, 3), nn.SyncBatchNorm(4), nn.Dropout3d(), ReLU(), nn.Dropout2d(), Conv2d(4, 3, 2)
    ),
}

NORMALISED: dict[str, Callable[[], nn.Module]] = {
    "contrast norms": lambda: Sequential(
        Conv2d(3, 6, 3),
        ReLU(),
        LocalResponseNorm(5, 0.5, 0.75, 2),
        MaxPool2d(3, 2),
        Conv2d(6, 4, 2),
        ReLU(),
        LocalResponseNorm(3),
    ),
    "layer norms": lambda: Sequential(
        Conv2d(3, 4, 2, 2),
        Permute([0, 2, 3, 1]),
        LayerNorm(4),
        Linear(4, 6),
        ReLU(),
        Permute([0, 3, 1, 2]),
        Conv2d(6, 4, 2),
    ),
}

NEARLY_RELUS: dict[str, Callable[[], nn.Module]] = {
    "ReLU6": nn.ReLU6,
    "SiLU": nn.SiLU,
    "GELU": nn.GELU,
    "Hardswish": nn.Hardswish,
    "leaky ReLU": nn.LeakyReLU,
    "ELU": nn.ELU,
    "tanh": nn.Tanh,
    "PReLU": nn.PReLU,
    "SELU": nn.SELU,
    "CELU": nn.CELU,
    "Mish": nn.Mish,
    "softplus": nn.Softplus,
    "threshold": lambda: nn.Threshold(0.1, -0.2),
    "Hardtanh": lambda: nn.Hardtanh(-1, 2),
}


def with_activation(activation: Callable[[], nn.Module]) -> nn.Module:
    """A network whose convolutions are followed by this; wide enough weights reach past ReLU6's 6."""
    net = Sequential(Conv2d(3, 4, 3), activation(), MaxPool2d(3, 2), Conv2d(4, 4, 2), activation(), Conv2d(4, 3, 1))
    with torch.no_grad():
        net[0].weight.mul_(8)
    return net


def squeeze_and_excite(net: nn.Module, x: Tensor) -> Tensor:
    x = net.conv(x).relu()
    gate = torch.sigmoid(net.up(F.relu(net.down(F.adaptive_avg_pool2d(x, 1)))))
    return net.last(x * gate).relu()


def gated() -> nn.Module:
    return Net(
        squeeze_and_excite,
        conv=Conv2d(3, 4, 3, 2),
        down=Conv2d(4, 2, 1),
        up=Conv2d(2, 4, 1),
        last=Conv2d(4, 4, 2),
    )


class Odd(nn.Module):
    """An activation that no table knows."""

    def forward(self, x: Tensor) -> Tensor:
        return torch.sin(x) * torch.erf(x)


UNUSUAL: dict[str, Callable[[], nn.Module]] = {
    "softmax": lambda: Sequential(Conv2d(3, 4, 3, 2), nn.Softmax(1), Conv2d(4, 4, 2)),
    "sine": lambda: Sequential(Conv2d(3, 4, 3, 2), Odd(), Conv2d(4, 4, 2)),
    "a maximum over maps": lambda: Net(
        lambda net, x: torch.max(net.conv(x), 1, keepdim=True)[0], conv=Conv2d(3, 4, 3, 2)
    ),
    "a product of two signals": lambda: Net(
        lambda net, x: net.a(x) * net.b(x), a=Conv2d(3, 4, 3, 2), b=Conv2d(3, 4, 3, 2)
    ),
    "a product by name": lambda: Net(
        lambda net, x: torch.mul(input=net.a(x), other=net.b(x)), a=Conv2d(3, 4, 3, 2), b=Conv2d(3, 4, 3, 2)
    ),
    "batch norm with the statistics of the picture": lambda: Net(
        lambda net, x: F.batch_norm(
            net.conv(x), net.bn.running_mean.clone(), net.bn.running_var.clone(), training=True
        ),
        conv=Conv2d(3, 4, 3, 2),
        bn=BatchNorm2d(4),
    ),
    "a square": lambda: Net(lambda net, x: net.b((lambda y: y * y)(net.a(x))), a=Conv2d(3, 4, 3, 2), b=Conv2d(4, 3, 2)),
}
