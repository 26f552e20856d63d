"""The keys and values that attention keeps while a sequence is made token by token."""

from __future__ import annotations

from typing import Any, ClassVar

import pytest
import torch
from flat import compiled
from torch import Tensor
from torch.nn.functional import scaled_dot_product_attention
from torch.overrides import TorchFunctionMode

import netspec
from netspec.driver import Compilation
from netspec.ir.dims import substitute
from netspec.ops import plugins
from netspec.ops.attention import Attention
from netspec.ops.base import Cache, Types
from netspec.source import SourceFile


def cache_of(text: str, **settings: Any) -> tuple[object, object]:
    """Bytes for each token, and of the sequence."""
    totals = compiled(text, **settings).totals
    assert totals is not None
    return totals.kv_cache_per_token, totals.kv_cache_bytes


def in_net(body: str, **settings: Any) -> tuple[object, object]:
    text = "block self { a: attention 2 causal=true }\n"
    return cache_of(f"{text}net N {{ input x: [10, 16]\n input memory: [7, 12]\n from x\n{body}\n}}", **settings)


@pytest.mark.parametrize(
    ("target", "layers", "heads", "head"),
    [
        ("gpt2:GPT2Small", 12, 12, 64),
        ("gpt2:GPT2XL", 48, 25, 64),
        ("llama:Llama2_7B", 32, 32, 128),
        ("llama:Llama3_8B", 32, 8, 128),
        ("llama:Llama3_70B", 80, 8, 128),
        ("llama:Llama405B", 126, 8, 128),
        ("llama:Llama3_2_1B", 16, 8, 64),
        ("mistral:Mistral7B", 32, 8, 128),
        ("transformer:TransformerBase", 6, 8, 64),
        ("transformer:TransformerBig", 6, 16, 64),
    ],
)
def test_a_key_and_a_value_of_each_token_in_each_layer(target: str, layers: int, heads: int, head: int) -> None:
    assert netspec.load(target).kv_cache_per_token == layers * 2 * heads * head * 4


def test_published_sizes() -> None:
    """Llama 3.1 405B: 126 layers * 2 * 8 heads * 128 * 4 bytes; the paper's 128 thousand tokens take 126 GiB."""
    llama = netspec.load("llama:Llama405B", T=131_072)
    assert llama.kv_cache_per_token == 1_032_192
    assert llama.kv_cache_bytes == 1_032_192 * 131_072 == 126 * 2**30
    gpt2 = netspec.load("gpt2:GPT2Small")
    assert (gpt2.kv_cache_per_token, gpt2.kv_cache_bytes) == (73_728, 73_728 * 1024)


@pytest.mark.parametrize(("length", "kept"), [(1, 1), (100, 100), (4096, 4096), (4097, 4096), (32_768, 4096)])
def test_a_window_keeps_its_positions_alone(length: int, kept: int) -> None:
    mistral = netspec.load("mistral:Mistral7B", T=length)
    assert mistral.kv_cache_per_token == 262_144
    assert mistral.kv_cache_bytes == 262_144 * kept


def test_a_decoder_keeps_its_memory_once() -> None:
    net = netspec.load("transformer:TransformerBase", S=50, T=20)
    assert net.kv_cache_per_token == 24_576
    assert net.kv_cache_bytes == 24_576 * 20 + 24_576 * 50
    assert net["decoder.0.self_attn"].kv_cache_bytes == 4_096 * 20
    assert net["decoder.0.multihead_attn"].kv_cache_per_token == 0
    assert net["decoder.0.multihead_attn"].kv_cache_bytes == 4_096 * 50
    assert net["encoder"].kv_cache_bytes == 0


@pytest.mark.parametrize(
    "target", ["bert:BERTBase", "vit:ViT_B16", "lenet5", "seq2seq:Seq2Seq", "gru_lm:GRULM", "edges"]
)
def test_what_looks_at_no_past_keeps_nothing(target: str) -> None:
    net = netspec.load(target)
    assert (net.kv_cache_per_token, net.kv_cache_bytes) == (0, 0)
    assert "KV cache" not in net.summary()


@pytest.mark.parametrize(
    ("body", "per_token", "whole"),
    [
        ("attention 2 causal=true", 128, 1280),  # 2 * 16 elements of 4 bytes, 10 positions
        ("attention 2 causal=true packed=true", 128, 1280),
        ("attention 2 causal=true rope=100 qk_norm=true bias=false", 128, 1280),
        ("attention 2", 0, 0),
        ("attention 4 kv_heads=1 causal=true", 32, 320),
        ("attention 4 kv_heads=2 head_dim=5 causal=true", 80, 800),
        ("attention 2 causal=true window=3", 128, 384),
        ("attention 2 causal=true window=30", 128, 1280),
        ("attention 2 with memory", 0, 128 * 7),  # keys and values are of the width of the first input
        ("attention 4 kv_heads=1 head_dim=3 with memory", 0, 24 * 7),
        ("attention 2 causal=true -> dense 16 -> attention 2 causal=true", 256, 2560),
        ("repeat 5 { attention 2 causal=true }", 640, 6400),
        ("repeat 3 { repeat 4 { self } -> self }", 15 * 128, 15 * 1280),
        ("a: attention 2 causal=true\nreuse a", 256, 2560),  # the same weights, but keys of other inputs
        ("a: self\nreuse a\nrepeat 3 { reuse a }", 5 * 128, 5 * 1280),
        ("rnn 16 -> gru 16 -> lstm 16", 0, 0),
    ],
)
def test_every_use_of_every_layer_keeps_its_own(body: str, per_token: int, whole: int) -> None:
    assert in_net(body) == (per_token, whole)


def test_a_layer_of_ones_own_says_what_it_keeps(monkeypatch: pytest.MonkeyPatch) -> None:
    """One number of 16 bit for each feature, as where keys and values are made of something smaller."""

    class Latent(Attention):
        """Attention that keeps its input: [T, dim] -> [T, dim].

        Cost: as of `attention`.
        """

        example: ClassVar[str] = "latent 2"

        def cache(self, inputs: Types) -> Cache:
            return Cache(inputs[0].shape[1], inputs[0].elements, "float16")

    monkeypatch.setitem(plugins._known, "latent", Latent)
    assert in_net("repeat 3 { latent 2 -> dense 16 }") == (3 * 16 * 2, 3 * 160 * 2)


@pytest.mark.parametrize("length", [1, 5, 6, 100])
def test_symbols_give_what_numbers_give(length: int) -> None:
    text = """
net N { input x: [T, W]
  input memory: [S, 8]
  from x -> repeat 3 { attention 1 causal=true -> attention 1 causal=true window=5 -> attention 1 with memory } }
"""
    made = compiled(text, W=12)
    assert made.totals is not None
    assert made.totals.kv_cache_per_token == 3 * 2 * (2 * 12 * 4)
    assert str(made.totals.kv_cache_bytes) == "288*S + 288*T + 288*min(T, 5)"
    values = {"S": 9, "T": length}
    assert substitute(made.totals.kv_cache_bytes, values) == cache_of(text, W=12, **values)[1]
    assert str(cache_of(text)[0]) == "48*W"


def test_a_batch_keeps_as_many_caches() -> None:
    one, eight = netspec.load("gpt2:GPT2Small"), netspec.load("gpt2:GPT2Small", batch=8)
    assert eight.kv_cache_per_token == 8 * 73_728
    assert eight.kv_cache_bytes == 8 * one.kv_cache_bytes
    assert (eight.params, eight.weight_bytes) == (one.params, one.weight_bytes)
    assert eight["h.0.attn"].kv_cache_bytes == 8 * 1024 * 2 * 768 * 4


def test_claims_are_about_one_sample() -> None:
    text = """
block unit { a: attention 2 causal=true
  assert kv_cache_per_token == 128 and a.kv_cache_bytes == 1_280 }
net N { input x: [10, 16]
  body: repeat 3 { unit }
  assert kv_cache_bytes == 3_840 and body.kv_cache_per_token == 384 and kv_cache_per_token == 384 }
"""
    source = compiled(text).source
    assert Compilation(source, None, batch=8).sound
    wrong = Compilation(SourceFile(source.name, text.replace("384 }", "385 }"), None), None, batch=8)
    assert [d.label for d in wrong.diagnostics] == ["kv_cache_per_token is 384"]


def test_a_mistake_leaves_it_unknown() -> None:
    text = "net N { input x: [10, 16]\n attention 2 causal=true -> attention 3 causal=true }"
    made = Compilation(SourceFile("wrong.net", text, None))
    assert made.network is not None
    assert (len(made.diagnostics), made.totals) == (1, None)


# -- what torch holds ---------------------------------------------------------------------------------


class Kept(TorchFunctionMode):
    """Elements of the keys and values that go into attention over the past or a memory, one sample's."""

    def __init__(self) -> None:
        super().__init__()
        self.per_token = self.whole = 0

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if func is scaled_dot_product_attention:
            self.see(*args[:3], kwargs.get("attn_mask"), kwargs.get("is_causal", False))
        return func(*args, **kwargs)

    def see(self, q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None, causal: bool) -> None:
        one = (k.numel() + v.numel()) // (k.shape[0] * k.shape[2])
        if q.shape[2] != k.shape[2]:
            self.whole += one * k.shape[2]
        elif causal or mask is not None:
            self.per_token += one
            self.whole += one * (k.shape[2] if mask is None else int(mask[-1].sum()))


SMALL = {"layers": 2, "dim": 32, "heads": 4, "vocab": 50}


@pytest.mark.parametrize(
    ("target", "settings"),
    [
        ("llama:Llama3_8B", {**SMALL, "kv_heads": 2, "hidden": 40, "T": 9}),
        ("mistral:Mistral7B", {**SMALL, "kv_heads": 2, "hidden": 40, "window": 4, "T": 9}),
        ("mistral:Mistral7B", {**SMALL, "kv_heads": 1, "hidden": 40, "window": 11, "T": 9}),
        ("gpt2:GPT2", {**SMALL, "length": 12, "T": 9}),
        ("bert:BERT", {**SMALL, "length": 12, "T": 9}),
        ("transformer:Transformer", {**SMALL, "hidden": 40, "S": 8, "T": 9}),
    ],
)
def test_torch_would_keep_as_much(target: str, settings: dict[str, Any]) -> None:
    """Of the keys and values that the generated module makes, those that the next position sees again."""
    net = netspec.load(target, **settings)
    module = net.to_torch().eval()
    inputs = [torch.zeros(3, *shape, dtype=torch.int64) for shape in net.inputs.values()]
    with torch.no_grad(), Kept() as kept:
        module(*inputs)
    assert (net.kv_cache_per_token, net.kv_cache_bytes) == (4 * kept.per_token, 4 * kept.whole)
    assert (kept.whole == 0) == target.startswith("bert")
