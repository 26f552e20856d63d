"""How the layers read in torch code: as one would write them by hand, without an argument that is torch's own default."""

# ruff: noqa: E501  # the table has one case a line

from __future__ import annotations

from typing import Any

import pytest
from layer_calls import Shape, layer, types

from netspec.ops import layer_names
from netspec.ops.base import output_types
from netspec.ops.torchrule import Of, Size, Torch, alike, fill

C1, C2, C3 = (6, 9), (6, 9, 8), (4, 5, 7, 6)
TABLE = ((0, 1, 2), (3, 4, 5), (0, 5), (1, 2, 3, 4))

# layer, arguments, inputs; the module, the function, and the statements where a module's call is no plain one
TEXTS: list[tuple[str, dict[str, Any], tuple[Shape, ...], *tuple[str, ...]]] = [
    ("conv", {"out": 8, "k": 3}, (C2,), "nn.Conv2d(6, 8, 3)"),
    ("conv", {"out": 8, "k": (3, 2), "stride": 2, "pad": (1, 0), "dilation": (1, 2), "groups": 2, "bias": False}, (C2,), "nn.Conv2d(6, 8, (3, 2), stride=2, padding=(1, 0), dilation=(1, 2), groups=2, bias=False)"),
    ("conv", {"out": 8, "k": 3, "pad": 1, "pad_mode": "circular"}, (C1,), "nn.Conv1d(6, 8, 3, padding=1, padding_mode='circular')"),
    ("conv", {"out": 8, "k": 3, "pad": "same"}, (C3,), "nn.Conv3d(4, 8, 3, padding='same')"),
    ("conv", {"out": 8, "k": 3, "pad": "same", "stride": 2}, (C1,), "PaddedConv1d(6, 8, 3, stride=2, padding='same')"),
    ("conv", {"out": 8, "k": 3, "pad": ((0, 1), 2), "pad_mode": "reflect", "groups": 2, "bias": False, "stride": 2, "dilation": 2}, (C2,), "PaddedConv2d(6, 8, 3, stride=2, padding=((0, 1), (2, 2)), dilation=2, groups=2, bias=False, padding_mode='reflect')"),
    ("conv", {"out": 8, "k": 3, "flip": True}, (C1,), "PaddedConv1d(6, 8, 3, flip=True)"),
    ("conv", {"out": 4, "k": 3, "connect": TABLE, "bias": False, "stride": 2, "pad": 1, "dilation": 2, "flip": True}, (C2,), "TableConv2d(((0, 1, 2), (3, 4, 5), (0, 5), (1, 2, 3, 4)), 3, stride=2, padding=((1, 1), (1, 1)), dilation=2, bias=False, flip=True)"),
    ("conv", {"out": 4, "k": 3, "connect": TABLE}, (C1,), "TableConv1d(((0, 1, 2), (3, 4, 5), (0, 5), (1, 2, 3, 4)), 3)"),
    ("conv", {"out": 1, "k": 2, "bias": False, "weight": (1, -1)}, ((1, 6),), "fixed_weight(nn.Conv1d(1, 1, 2, bias=False), [[[1.0, -1.0]]])"),
    ("conv", {"out": 2, "k": 2, "connect": ((0,), (0, 1)), "weight": ((1, 2), (3, 4), (5, 6))}, ((2, 6),), "fixed_weight(TableConv1d(((0,), (0, 1)), 2), [[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])"),
    ("upconv", {"out": 8, "k": 3}, (C1,), "nn.ConvTranspose1d(6, 8, 3)"),
    ("upconv", {"out": 8, "k": 3, "stride": 2, "pad": 1, "output_pad": 1, "dilation": 2, "groups": 2, "bias": False}, (C2,), "nn.ConvTranspose2d(6, 8, 3, stride=2, padding=1, output_padding=1, groups=2, bias=False, dilation=2)"),
    ("dense", {"out": 8}, (C1,), "nn.Linear(9, 8)"),
    ("dense", {"out": 8, "bias": False}, ((9,),), "nn.Linear(9, 8, bias=False)"),
    ("dense", {"out": 1, "weight": (1, -1)}, ((3, 2),), "fixed_weight(nn.Linear(2, 1), [[1.0, -1.0]])"),
    ("maxpool", {"k": 3}, (C2,), "nn.MaxPool2d(3)", "F.max_pool2d(x, 3)"),
    ("maxpool", {"k": 2, "stride": (1, 2), "pad": 1, "ceil": True, "dilation": 2}, (C2,), "nn.MaxPool2d(2, stride=(1, 2), padding=1, dilation=2, ceil_mode=True)", "F.max_pool2d(x, 2, stride=(1, 2), padding=1, dilation=2, ceil_mode=True)"),
    ("maxpool", {"k": 3, "stride": 1, "pad": "same"}, (C1,), "nn.MaxPool1d(3, stride=1, padding=1)", "F.max_pool1d(x, 3, stride=1, padding=1)"),
    ("maxpool", {"k": 2, "stride": 2, "pad": "same", "ceil": True}, (C1,), "PaddedMaxPool1d(2, padding='same')"),
    ("maxpool", {"k": 3, "pad": ((0, 1), 1)}, (C2,), "PaddedMaxPool2d(3, padding=((0, 1), (1, 1)))"),
    ("avgpool", {"k": 3}, (C2,), "nn.AvgPool2d(3)", "F.avg_pool2d(x, 3)"),
    ("avgpool", {"k": 2, "stride": 2, "pad": 1, "ceil": True, "count_pad": False}, (C1,), "nn.AvgPool1d(2, padding=1, count_include_pad=False, ceil_mode=True)", "F.avg_pool1d(x, 2, padding=1, count_include_pad=False, ceil_mode=True)"),
    ("avgpool", {"k": 3, "pad": ((0, 1), 1), "stride": 2, "count_pad": False}, (C2,), "PaddedAvgPool2d(3, stride=2, padding=((0, 1), (1, 1)), count_include_pad=False)"),
    ("globalavgpool", {}, (C2,), "nn.AdaptiveAvgPool2d(1)", "F.adaptive_avg_pool2d(x, 1)"),
    ("globalmaxpool", {}, (C1,), "nn.AdaptiveMaxPool1d(1)", "F.adaptive_max_pool1d(x, 1)"),
    ("globalavgpool", {}, (C3,), "nn.AdaptiveAvgPool3d(1)", "F.adaptive_avg_pool3d(x, 1)"),
    ("globalmaxpool", {}, (C3,), "nn.AdaptiveMaxPool3d(1)", "F.adaptive_max_pool3d(x, 1)"),
    ("adaptiveavgpool", {"size": 3}, (C2,), "nn.AdaptiveAvgPool2d(3)", "F.adaptive_avg_pool2d(x, 3)"),
    ("adaptivemaxpool", {"size": (2, 3)}, (C2,), "nn.AdaptiveMaxPool2d((2, 3))", "F.adaptive_max_pool2d(x, (2, 3))"),
    ("flatten", {}, (C2,), "nn.Flatten()", "x.flatten(1)"),
    ("flatten", {"start": 1}, (C2,), "nn.Flatten(start_dim=2)", "x.flatten(2)"),
    ("reshape", {"shape": (2, 27)}, (C1,), "x.reshape(x.shape[0], 2, 27)"),
    ("permute", {"axes": (1, 0)}, (C1,), "x.permute(0, 2, 1)"),
    ("identity", {}, (C1,), "nn.Identity()", "x"),
    ("slice", {"axis": 0, "start": 1, "stop": 4, "step": 2}, (C1,), "x[:, 1:4:2]"),
    ("slice", {"axis": -1, "start": 1}, (C1,), "x[..., 1:]"),
    ("slice", {"axis": 1, "stop": 4}, (C1,), "x[:, :, :4]"),
    ("split", {"parts": 2}, (C1,), "x.chunk(2, dim=1)"),
    ("split", {"parts": (1, 2, 3), "axis": 0}, (C1,), "x.split((1, 2, 3), dim=1)"),
    ("split", {"parts": 3, "axis": -1}, (C1,), "x.chunk(3, dim=-1)"),
    ("pad", {"sides": 1}, (C2,), "nn.ZeroPad2d(1)", "F.pad(x, (1, 1, 1, 1))"),
    ("pad", {"sides": ((0, 1), 2), "value": -1.5}, (C2,), "nn.ConstantPad2d((2, 2, 0, 1), -1.5)", "F.pad(x, (2, 2, 0, 1), value=-1.5)"),
    ("pad", {"sides": 1, "mode": "reflect"}, (C1,), "nn.ReflectionPad1d(1)", "F.pad(x, (1, 1), mode=\"reflect\")"),
    ("pad", {"sides": ((0, 1), 2), "mode": "circular"}, (C2,), "nn.CircularPad2d((2, 2, 0, 1))", "F.pad(x, (2, 2, 0, 1), mode=\"circular\")"),
    ("crop", {"size": 4}, (C1,), "CenterCrop(4)"),
    ("crop", {"border": (1, 2)}, (C2,), "CropBorder((1, 2))"),
    ("crop", {"size": (4, 3)}, (C2,), "CenterCrop((4, 3))"),
    ("upsample", {}, (C2,), "nn.Upsample(scale_factor=2)", "F.interpolate(x, scale_factor=2)"),
    ("upsample", {"scale": 3}, (C2,), "nn.Upsample(scale_factor=3)", "F.interpolate(x, scale_factor=3)"),
    ("upsample", {"size": (18, 20), "mode": "bilinear", "align_corners": True}, (C2,), "nn.Upsample(size=(18, 20), mode='bilinear', align_corners=True)", "F.interpolate(x, size=(18, 20), mode='bilinear', align_corners=True)"),
    ("upsample", {"scale": 2, "mode": "bicubic"}, (C2,), "nn.Upsample(scale_factor=2, mode='bicubic')", "F.interpolate(x, scale_factor=2, mode='bicubic')"),
    ("upsample", {"scale": 2, "mode": "linear"}, (C1,), "nn.Upsample(scale_factor=2, mode='linear')", "F.interpolate(x, scale_factor=2, mode='linear')"),
    ("pixelshuffle", {"r": 2}, ((4, 3, 3),), "nn.PixelShuffle(2)", "F.pixel_shuffle(x, 2)"),
    ("pixelunshuffle", {"r": 2}, ((4, 4, 4),), "nn.PixelUnshuffle(2)", "F.pixel_unshuffle(x, 2)"),
    ("channelshuffle", {"groups": 3}, (C2,), "nn.ChannelShuffle(3)", "F.channel_shuffle(x, 3)"),
    ("batchnorm", {}, (C2,), "nn.BatchNorm2d(6)"),
    ("batchnorm", {"eps": 0.001, "momentum": 0.2, "affine": False, "track": False}, (C1,), "nn.BatchNorm1d(6, eps=0.001, momentum=0.2, affine=False, track_running_stats=False)"),
    ("batchnorm", {}, ((7,),), "nn.BatchNorm1d(7)"),
    ("batchnorm", {}, (C3,), "nn.BatchNorm3d(4)"),
    ("layernorm", {}, (C1,), "nn.LayerNorm(9)"),
    ("layernorm", {"axes": 2, "eps": 1e-06, "affine": False}, (C2,), "F.layer_norm(x, x.shape[-2:], eps=1e-06)"),
    ("layernorm", {"bias": False}, (C1,), "nn.LayerNorm(9, bias=False)"),
    ("rmsnorm", {}, (C1,), "nn.RMSNorm(9, eps=1e-06)"),
    ("rmsnorm", {"axes": 2, "eps": 1e-05, "affine": False}, (C2,), "F.rms_norm(x, x.shape[-2:], eps=1e-05)"),
    ("groupnorm", {"groups": 3}, (C1,), "nn.GroupNorm(3, 6)"),
    ("groupnorm", {"groups": 3, "eps": 0.001, "affine": False}, (C1,), "nn.GroupNorm(3, 6, eps=0.001, affine=False)"),
    ("instancenorm", {}, (C1,), "nn.InstanceNorm1d(6)"),
    ("instancenorm", {"eps": 0.001, "affine": True}, (C2,), "nn.InstanceNorm2d(6, eps=0.001, affine=True)"),
    ("instancenorm", {}, (C3,), "nn.InstanceNorm3d(4)"),
    ("lrn", {"size": 5}, (C2,), "nn.LocalResponseNorm(5)", "F.local_response_norm(x, 5)"),
    ("lrn", {"size": 3, "alpha": 0.001, "beta": 0.5, "k": 2.0}, (C1,), "nn.LocalResponseNorm(3, alpha=0.001, beta=0.5, k=2.0)", "F.local_response_norm(x, 3, alpha=0.001, beta=0.5, k=2.0)"),
    ("dropout", {}, (C1,), "nn.Dropout(0.5)"),
    ("dropout", {"p": 0.25}, (C1,), "nn.Dropout(0.25)"),
    ("dropout", {"p": 0.25, "per": "channel"}, (C2,), "nn.Dropout2d(0.25)"),
    ("dropout", {"per": "channel"}, (C1,), "nn.Dropout1d(0.5)"),
    ("dropout", {"p": 0.25, "mode": "downscale_in_infer"}, (C1,), "DownscaleDropout(0.25)"),
    ("dropout", {"mode": "downscale_in_infer", "per": "channel"}, (C2,), "DownscaleDropout(0.5, per_channel=True)"),
    ("relu", {}, (C1,), "nn.ReLU()", "F.relu(x)"),
    ("sigmoid", {}, (C1,), "nn.Sigmoid()", "torch.sigmoid(x)"),
    ("tanh", {}, (C1,), "nn.Tanh()", "torch.tanh(x)"),
    ("silu", {}, (C1,), "nn.SiLU()", "F.silu(x)"),
    ("gelu", {}, (C1,), "nn.GELU()", "F.gelu(x)"),
    ("softmax", {}, (C1,), "nn.Softmax(dim=-1)", "F.softmax(x, dim=-1)"),
    ("relu6", {}, (C1,), "nn.ReLU6()", "F.relu6(x)"),
    ("leakyrelu", {}, (C1,), "nn.LeakyReLU()", "F.leaky_relu(x)"),
    ("prelu", {}, (C1,), "nn.PReLU()"),
    ("rrelu", {}, (C1,), "nn.RReLU()"),
    ("hardtanh", {}, (C1,), "nn.Hardtanh()", "F.hardtanh(x)"),
    ("hardsigmoid", {}, (C1,), "nn.Hardsigmoid()", "F.hardsigmoid(x)"),
    ("hardswish", {}, (C1,), "nn.Hardswish()", "F.hardswish(x)"),
    ("softshrink", {}, (C1,), "nn.Softshrink()", "F.softshrink(x)"),
    ("hardshrink", {}, (C1,), "nn.Hardshrink()", "F.hardshrink(x)"),
    ("elu", {}, (C1,), "nn.ELU()", "F.elu(x)"),
    ("selu", {}, (C1,), "nn.SELU()", "F.selu(x)"),
    ("celu", {}, (C1,), "nn.CELU()", "F.celu(x)"),
    ("mish", {}, (C1,), "nn.Mish()", "F.mish(x)"),
    ("softplus", {}, (C1,), "nn.Softplus()", "F.softplus(x)"),
    ("softsign", {}, (C1,), "nn.Softsign()", "F.softsign(x)"),
    ("logsigmoid", {}, (C1,), "nn.LogSigmoid()", "F.logsigmoid(x)"),
    ("tanhshrink", {}, (C1,), "nn.Tanhshrink()", "F.tanhshrink(x)"),
    ("logsoftmax", {}, (C1,), "nn.LogSoftmax(dim=-1)", "F.log_softmax(x, dim=-1)"),
    ("softmin", {}, (C1,), "nn.Softmin(dim=-1)", "F.softmin(x, dim=-1)"),
    ("glu", {}, (C1,), "nn.GLU(dim=1)", "F.glu(x, dim=1)"),
    ("gelu", {"approx": "tanh"}, (C1,), "nn.GELU(approximate='tanh')", "F.gelu(x, approximate='tanh')"),
    ("softmax", {"axis": 0}, (C1,), "nn.Softmax(dim=1)", "F.softmax(x, dim=1)"),
    ("leakyrelu", {"slope": 0.2}, (C1,), "nn.LeakyReLU(0.2)", "F.leaky_relu(x, 0.2)"),
    ("prelu", {"shared": False}, (C1,), "nn.PReLU(6)"),
    ("rrelu", {"low": 0.1, "high": 0.2}, (C1,), "nn.RReLU(lower=0.1, upper=0.2)"),
    ("hardtanh", {"low": -2.0, "high": 3.0}, (C1,), "nn.Hardtanh(min_val=-2.0, max_val=3.0)", "F.hardtanh(x, min_val=-2.0, max_val=3.0)"),
    ("softshrink", {"bound": 0.25}, (C1,), "nn.Softshrink(0.25)", "F.softshrink(x, 0.25)"),
    ("hardshrink", {"bound": 0.25}, (C1,), "nn.Hardshrink(0.25)", "F.hardshrink(x, 0.25)"),
    ("threshold", {"threshold": 0.1, "value": 2.0}, (C1,), "nn.Threshold(0.1, 2.0)", "F.threshold(x, 0.1, 2.0)"),
    ("elu", {"alpha": 0.5}, (C1,), "nn.ELU(alpha=0.5)", "F.elu(x, alpha=0.5)"),
    ("celu", {"alpha": 0.5}, (C1,), "nn.CELU(alpha=0.5)", "F.celu(x, alpha=0.5)"),
    ("softplus", {"beta": 2.0, "threshold": 10.0}, (C1,), "nn.Softplus(beta=2.0, threshold=10.0)", "F.softplus(x, beta=2.0, threshold=10.0)"),
    ("logsoftmax", {"axis": 0}, (C1,), "nn.LogSoftmax(dim=1)", "F.log_softmax(x, dim=1)"),
    ("softmin", {"axis": 0}, (C1,), "nn.Softmin(dim=1)", "F.softmin(x, dim=1)"),
    ("glu", {"axis": 1}, ((6, 8),), "nn.GLU(dim=2)", "F.glu(x, dim=2)"),
    ("add", {}, (C1, C1, C1), "x0 + x1 + x2"),
    ("mul", {}, (C1, C1), "x0 * x1"),
    ("concat", {}, (C1, C1), "torch.cat([x0, x1], dim=1)"),
    ("concat", {"axis": 1}, (C1, C1), "torch.cat([x0, x1], dim=2)"),
    ("concat", {"axis": -1}, (C1, C1), "torch.cat([x0, x1], dim=-1)"),
    ("sub", {}, (C1, C1), "x0 - x1"),
    ("div", {}, (C1, C1), "x0 / x1"),
    ("mean", {}, (C1, C1, C1), "(x0 + x1 + x2) / 3"),
    ("max", {}, (C1, C1, C1), "torch.maximum(torch.maximum(x0, x1), x2)"),
    ("min", {}, (C1, C1), "torch.minimum(x0, x1)"),
    ("stack", {}, (C1, C1), "torch.stack([x0, x1], dim=1)"),
    ("stack", {"axis": -1}, (C1, C1), "torch.stack([x0, x1], dim=-1)"),
    ("matmul", {}, ((2, 3), (3, 4)), "x0 @ x1"),
    ("matmul", {"transpose": True}, ((2, 3), (4, 3)), "x0 @ x1.mT"),
    ("reduce", {"op": "sum", "axes": 0}, (C1,), "x.sum(dim=1)"),
    ("reduce", {"op": "mean", "axes": (0, -1), "keep": True}, (C1,), "x.mean(dim=(1, -1), keepdim=True)"),
    ("reduce", {"op": "max", "axes": 1}, (C1,), "x.amax(dim=2)"),
    ("reduce", {"op": "prod", "axes": (0, 1)}, (C1,), "x.prod(dim=2).prod(dim=1)"),
    ("reduce", {"op": "min", "axes": 0, "keep": True}, (C1,), "x.amin(dim=1, keepdim=True)"),
    ("reduce", {"op": "prod", "axes": 1, "keep": True}, (C1,), "x.prod(dim=2, keepdim=True)"),
    ("scale", {}, (C2,), "ChannelScale(6)"),
    ("scale", {"init": 0.5, "bias": True}, (C1,), "ChannelScale(9, init=0.5, bias=True)"),
    ("scale", {"by": 0.125}, (C1,), "x * 0.125"),
    ("embedding", {"vocab": 100, "dim": 8}, ((3, 5),), "nn.Embedding(100, 8)"),
    ("attention", {"heads": 2}, ((5, 8),), "Attention(8, 2)"),
    ("attention", {"heads": 4, "kv_heads": 2, "head_dim": 6, "causal": True, "bias": False, "dropout": 0.1, "rope": 10000, "rope_scaling": 2, "qk_norm": True, "window": 3, "scale": 0.5}, ((5, 8),), "Attention(8, 4, kv_heads=2, head_dim=6, causal=True, bias=False, dropout=0.1, rope=10000, rope_scaling=2, qk_norm=True, window=3, scale=0.5)"),
    ("attention", {"heads": 2, "packed": True}, ((5, 8),), "PackedAttention(8, 2)"),
    ("attention", {"heads": 2, "mask": True}, ((5, 8), (5, 5)), "Attention(8, 2)", "return layer(x0, mask=x1[:, None])"),
    ("attention", {"heads": 2, "head_dim": 3}, ((5, 8), (6, 10)), "Attention(8, 2, head_dim=3, memory_dim=10)"),
    ("position", {"max_length": 10}, ((5, 8),), "Position(10, 8)"),
    ("position", {"kind": "sinusoidal"}, ((5, 8),), "SinusoidalPosition()"),
    ("relativebias", {"heads": 2}, ((5, 8),), "RelativeBias(2)"),
    ("relativebias", {"heads": 2, "buckets": 8, "max_distance": 20, "bidirectional": False}, ((5, 8),), "RelativeBias(2, buckets=8, max_distance=20, bidirectional=False)"),
    ("swiglu", {"hidden": 12}, (C1,), "SwiGlu(9, 12)"),
    ("geglu", {"hidden": 12, "bias": True}, (C1,), "GeGlu(9, 12, bias=True)"),
    ("experts", {"experts": 4, "hidden": 7, "top": 2}, (C1,), "Experts(9, experts=4, hidden=7, top=2)"),
    ("experts", {"experts": 4, "hidden": 7, "top": 1, "normalised": False, "activation": "gelu", "bias": True}, (C1,), "Experts(9, experts=4, hidden=7, top=1, normalised=False, activation='gelu', bias=True)"),
    ("rnn", {"hidden": 7}, ((4, 5),), "nn.RNN(5, 7, batch_first=True)", "made0, made1 = layer(x)", "return made0, made1.squeeze(0)"),
    ("rnn", {"hidden": 7, "layers": 2, "bidirectional": True, "dropout": 0.5, "bias": False, "activation": "relu"}, ((4, 5), (4, 7)), "nn.RNN(5, 7, num_layers=2, nonlinearity='relu', bias=False, batch_first=True, dropout=0.5, bidirectional=True)", "made0, made1 = layer(x0, x1.transpose(0, 1).contiguous())", "return made0, made1.transpose(0, 1)"),
    ("rnn", {"hidden": 7, "bias": "one", "steps": "last"}, ((4, 5), (7,)), "Recurrence('rnn_tanh', 5, 7)", "made0, made1 = layer(x0, x1.unsqueeze(0).contiguous())", "return made0[:, -1], made1.squeeze(0)"),
    ("gru", {"hidden": 7}, ((4, 5),), "nn.GRU(5, 7, batch_first=True)", "made0, made1 = layer(x)", "return made0, made1.squeeze(0)"),
    ("gru", {"hidden": 7, "reset": "before", "layers": 2, "dropout": 0.5, "bias": "one", "bidirectional": True}, ((4, 5), (4, 7)), "Recurrence('gru_before', 5, 7, num_layers=2, dropout=0.5, bidirectional=True)", "made0, made1 = layer(x0, x1.transpose(0, 1).contiguous())", "return made0, made1.transpose(0, 1)"),
    ("gru", {"hidden": 7, "steps": "last"}, ((4, 5), (7,)), "nn.GRU(5, 7, batch_first=True)", "made0, made1 = layer(x0, x1.unsqueeze(0).contiguous())", "return made0[:, -1], made1.squeeze(0)"),
    ("lstm", {"hidden": 7}, ((4, 5),), "nn.LSTM(5, 7, batch_first=True)", "made0, (made1, made2) = layer(x)", "return made0, made1.squeeze(0), made2.squeeze(0)"),
    ("lstm", {"hidden": 7, "proj": 3, "layers": 2, "bidirectional": True, "dropout": 0.5, "bias": False}, ((4, 5), (4, 3), (4, 7)), "nn.LSTM(5, 7, num_layers=2, bias=False, batch_first=True, dropout=0.5, bidirectional=True, proj_size=3)", "made0, (made1, made2) = layer(x0, (x1.transpose(0, 1).contiguous(), x2.transpose(0, 1).contiguous()))", "return made0, made1.transpose(0, 1), made2.transpose(0, 1)"),
    ("lstm", {"hidden": 7, "steps": "last"}, ((4, 5), (7,), (7,)), "nn.LSTM(5, 7, batch_first=True)", "made0, (made1, made2) = layer(x0, (x1.unsqueeze(0).contiguous(), x2.unsqueeze(0).contiguous()))", "return made0[:, -1], made1.squeeze(0), made2.squeeze(0)"),
    ("param", {"shape": (2, 3)}, (), "nn.Parameter(0.02 * torch.randn(2, 3))"),
    ("param", {"shape": (2,), "dtype": "float16", "init": 1.0}, (), "nn.Parameter(0.02 * torch.randn(2, dtype=torch.float16))"),
    ("constant", {"value": (1, 2)}, (), "nn.Parameter(torch.tensor([1.0, 2.0]), requires_grad=False)"),
    ("subsample", {"k": 2}, (C1,), "Subsample1d(6, 2)"),
    ("subsample", {"k": (2, 3)}, (C2,), "Subsample2d(6, (2, 3))"),
    ("rbf", {"out": 3}, ((5, 7),), "Rbf(7, 3)"),
]  # fmt: skip


def as_list(value: Any) -> Any:
    return list(map(as_list, value)) if isinstance(value, tuple) else value


def code(rule: Torch, form: str, inputs: list[str]) -> str:
    return fill(form, inputs, [(arg, repr(arg.value)) for arg in rule.args], repr(as_list(rule.literal)))


every_text = pytest.mark.parametrize(
    ("name", "arguments", "shapes", "texts"),
    [(*row[:3], row[3:]) for row in TEXTS],
    ids=[f"{row[0]} {row[1]} {row[2]}" for row in TEXTS],
)


@every_text
def test_text(name: str, arguments: dict[str, Any], shapes: tuple[Shape, ...], texts: tuple[str, ...]) -> None:
    made, inputs = layer(name, **arguments), types(*shapes, dtype="int64" if name == "embedding" else "float32")
    output_types(made, inputs)
    rule = made.torch(inputs)
    names = ["x"] if len(shapes) == 1 else [f"x{place}" for place in range(len(shapes))]
    found = [
        code(rule, rule.module, []) if rule.module else "",
        code(rule, rule.function, names) if rule.function else "",
    ]
    found += rule.statements("layer", names) if rule.call else []
    assert list(filter(None, found)) == list(texts)


# What torch calls these is not an argument of the layer, or is one only for some of its values.
COMPUTED = {"batch_first", "ceil_mode", "dim", "nonlinearity", "padding"}


@every_text
def test_arguments_are_known_by_name(
    name: str, arguments: dict[str, Any], shapes: tuple[Shape, ...], texts: tuple[str, ...]
) -> None:
    """So that a class in generated code may take one as its own parameter."""
    made, inputs = layer(name, **arguments), types(*shapes, dtype="int64" if name == "embedding" else "float32")
    for arg in made.torch(inputs).args:
        if isinstance(arg.source, Of):
            value = getattr(made, arg.source.argument)
            assert alike(value if arg.source.entry is None else value[arg.source.entry]) == arg.value
        elif isinstance(arg.source, Size):
            assert inputs[arg.source.input].shape[arg.source.axis] == arg.value
        elif arg.name not in COMPUTED and (name, arg.name) not in {("rnn", "bias"), ("lstm", "bias")}:
            assert (type(arg.value), arg.value) not in [(type(alike(v)), alike(v)) for v in arguments.values()]


def test_every_layer_has_a_text() -> None:
    assert {row[0] for row in TEXTS} == set(layer_names())
