import torch
from torch import nn


def drawn(tensor: nn.Parameter, kind: str, *numbers: float) -> nn.Parameter:
    """The tensor with other first values: "xavier" is Glorot and Bengio 2010, uniform;
    "kaiming" is He et al. 2015, normal; "normal" takes its deviation, "uniform" its
    bounds, "constant" its value.
    """
    with torch.no_grad():
        if kind == "normal":
            tensor.normal_(0.0, *numbers)
        elif kind == "uniform":
            tensor.uniform_(*numbers)
        elif kind == "xavier":
            nn.init.xavier_uniform_(tensor)
        elif kind == "kaiming":
            nn.init.kaiming_normal_(tensor, nonlinearity="relu")
        else:
            constants = {"zeros": 0.0, "ones": 1.0}
            tensor.fill_(*numbers or [constants[kind]])
    return tensor
