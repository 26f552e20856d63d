"""Transformers: published figures, names of published weights, claims that can fail, and numbers at small sizes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from t5_mirror import T5Mirror
from test_specs import check, wrong_claims
from torch import Tensor, nn
from torchvision_vit import EncoderBlock, VisionTransformer
from weights_by_name import state_dict_of, torch_params, torch_run, torch_state_dict

import netspec
from netspec.driver import compile_source, find_source
from netspec.elaborate.files import source_from_bytes
from netspec.emit.weights.renames import parse, renamed

PARAMS = {
    "llama:Llama2_7B": 6_738_415_616,
    "llama:Llama3_8B": 8_030_261_248,
    "llama:Llama3_70B": 70_553_706_496,
    "llama:Llama405B": 405_853_388_800,
    "llama:Llama3_2_1B": 1_235_814_400,
    "mistral:Mistral7B": 7_241_732_096,
    "mixtral:Mixtral8x7B": 46_702_792_704,
    "gpt2:GPT2Small": 124_439_808,
    "gpt2:GPT2Medium": 354_823_168,
    "gpt2:GPT2Large": 774_030_080,
    "gpt2:GPT2XL": 1_557_611_200,
    "bert:BERTBase": 109_482_240,
    "bert:BERTLarge": 335_141_888,
    "vit:ViT_B16": 86_567_656,
    "vit:ViT_B32": 88_224_232,
    "vit:ViT_L16": 304_326_632,
    "vit:ViT_L32": 306_535_400,
    "transformer:TransformerBase": 63_082_496,
    "transformer:TransformerBig": 214_245_376,
    "t5:T5Small": 60_506_624,
    "t5:T5Base": 222_903_552,
    "t5:T5Large": 737_668_096,
    "t5:T5_3B": 2_851_598_336,
    "t5:T5_11B": 11_307_321_344,
}
MACS = {"vit:ViT_B16": 17_563_828_224, "vit:ViT_L16": 61_554_712_576}  # torchvision's

SPECS = sorted({target.split(":")[0] for target in PARAMS})
SMALL: dict[str, Any] = {"layers": 2, "dim": 32, "heads": 4, "vocab": 50}
SETTINGS: dict[str, dict[str, Any]] = {
    "llama:Llama3_8B": {**SMALL, "kv_heads": 2, "hidden": 40, "T": 9},
    "llama:Llama3_2_1B": {**SMALL, "kv_heads": 1, "hidden": 40, "T": 9},
    "mistral:Mistral7B": {**SMALL, "kv_heads": 2, "hidden": 40, "window": 4, "T": 9},
    "mixtral:Mixtral8x7B": {**SMALL, "kv_heads": 2, "hidden": 40, "T": 9},
    "gpt2:GPT2": {**SMALL, "length": 12, "T": 9},
    "bert:BERT": {**SMALL, "length": 12, "T": 9},
    "vit:ViT": {"layers": 2, "dim": 32, "heads": 4, "hidden": 40, "size": 48, "classes": 7},
    "transformer:Transformer": {**SMALL, "hidden": 40, "S": 8, "T": 9},
    "t5:T5": {**SMALL, "head_dim": 6, "hidden": 40, "S": 150, "T": 140},
}


@pytest.mark.parametrize("target", PARAMS)
def test_published_figures(target: str) -> None:
    net = netspec.load(target)
    assert net.params == PARAMS[target]
    assert net.macs == MACS.get(target, net.macs)


@pytest.mark.parametrize("target", [target for target in PARAMS if not target.startswith("vit")])
def test_claims_hold_at_every_length(target: str) -> None:
    made = check(target, symbolic=True)
    assert made.diagnostics == ()
    assert made.totals is not None
    assert made.totals.params == PARAMS[target]
    assert "T*T" in str(made.totals.macs)


def test_macs_of_a_sequence() -> None:
    """By hand: 405,853,388,800 parameters without the embedding and the norms, and 2 * 126 * 16,384 of attention."""
    macs = check("llama:Llama405B", symbolic=True).totals.macs  # type: ignore[union-attr]
    matrices = 405_853_388_800 - 128_256 * 16_384 - (2 * 126 + 1) * 16_384
    assert str(macs) == f"{2 * 126 * 16_384}*T*T + {matrices}*T"


def test_active_parameters_of_mixtral() -> None:
    """By hand: each of the 32 layers has the attention, two norms, the router and 2 experts of 3 matrices; then there
    are the embedding, the last norm and the head."""
    layer = 4096 * (2 * 4096 + 2 * 1024) + 2 * 4096 + 8 * 4096 + 2 * 3 * 4096 * 14_336
    net = netspec.load("mixtral")
    assert net.active_params == 32 * layer + 4096 + 2 * 32_000 * 4096 == 12_879_925_248
    assert net.params - net.active_params == 32 * 6 * 3 * 4096 * 14_336
    macs = check("mixtral:Mixtral8x7B", symbolic=True).totals.macs  # type: ignore[union-attr]
    matrices = net.active_params - 32_000 * 4096 - (2 * 32 + 1) * 4096
    assert str(macs) == f"{2 * 32 * 4096}*T*T + {matrices}*T"


@pytest.mark.parametrize("spec", SPECS)
def test_a_wrong_claim_is_refuted(spec: str) -> None:
    copies = wrong_claims(find_source(spec).text)
    assert len(copies) > 2
    for text, expected, line in copies:
        nets = compile_source(source_from_bytes(text.encode(), f"{spec}.net", None))
        assert {diagnostic.code for net in nets for diagnostic in net.diagnostics} == {expected}, line


@pytest.mark.parametrize("spec", SPECS)
def test_every_spec_names_its_source(spec: str) -> None:
    text = find_source(spec).text
    assert text.startswith("# ")
    assert "20" in text.split("\n\n")[0]
    assert max(map(len, text.splitlines())) <= 125


@pytest.mark.parametrize(("layers", "patch", "dim", "heads", "hidden"), [(12, 16, 768, 12, 3072), (3, 32, 64, 4, 80)])
def test_vit_is_torchvisions(layers: int, patch: int, dim: int, heads: int, hidden: int) -> None:
    net = netspec.load("vit:ViT", layers=layers, patch=patch, dim=dim, heads=heads, hidden=hidden)
    with torch.device("meta"):
        model = VisionTransformer(224, patch, layers, heads, dim, hidden)
    assert state_dict_of(net) == torch_state_dict(model)
    assert net.params == torch_params(model)
    assert (next(iter(net.outputs.values())), net.macs) == torch_run(model, 3, 224, 224)


def test_vit_computes_what_torchvisions_does() -> None:
    settings = SETTINGS["vit:ViT"]
    torch.manual_seed(0)
    theirs = VisionTransformer(48, 16, 2, 4, 32, 40, 7).eval()
    for tensor in theirs.parameters():
        nn.init.normal_(tensor, std=0.3)
    ours = netspec.load("vit:ViT", **settings).to_torch().eval()
    ours.load_state_dict(theirs.state_dict())
    x = torch.randn(2, 3, 48, 48)
    torch.testing.assert_close(ours(x), theirs(x), rtol=1e-4, atol=1e-4)


T5_RENAMES = (r"block\.0\..*relative_=relative_", r"Attention\.([qkvo])\.=Attention.\1_proj.")


@pytest.mark.parametrize(
    ("net", "sizes"),
    [
        ("T5Small", {"layers": 6, "dim": 512, "heads": 8, "head_dim": 64, "hidden": 2048, "vocab": 32_128}),
        ("T5_3B", {"layers": 24, "dim": 1024, "heads": 32, "head_dim": 128, "hidden": 16_384, "vocab": 32_128}),
    ],
)
def test_t5_is_the_published_one(net: str, sizes: dict[str, int]) -> None:
    with torch.device("meta"):
        theirs = T5Mirror(**sizes)
    rules = parse(T5_RENAMES)
    names = {renamed(name, rules): shape for name, shape in torch_state_dict(theirs).items()}
    ours = state_dict_of(netspec.load(f"t5:{net}"))
    assert ours.pop("lm_head.weight") == ours["shared.weight"]  # which is tied
    assert ours == names
    assert torch_params(theirs) == PARAMS[f"t5:{net}"]


def test_t5_computes_what_the_published_one_does(tmp_path: Path) -> None:
    """Over sequences longer than the distances that have buckets, with weights that are read under their names."""
    sizes = {name: size for name, size in SETTINGS["t5:T5"].items() if name not in "ST"}
    torch.manual_seed(0)
    theirs = T5Mirror(**sizes).eval()
    for tensor in theirs.parameters():
        nn.init.normal_(tensor, std=0.3)
    np.savez(tmp_path / "t5.npz", **{name: tensor.numpy() for name, tensor in theirs.state_dict().items()})
    settings = [part for name, value in sizes.items() for part in ("--set", f"{name}={value}")]
    rules = [part for rule in T5_RENAMES for part in ("--rename", rule)]
    command = [sys.executable, "-m", "netspec", "check", "t5:T5", *settings, "--weights", "t5.npz", *rules]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    ours = netspec.load("t5:T5", **sizes).to_torch().eval()
    weights = {renamed(name, parse(T5_RENAMES)): tensor for name, tensor in theirs.state_dict().items()}
    missing, unexpected = ours.load_state_dict(weights, strict=False)
    assert (missing, unexpected) == (["lm_head.weight"], [])  # which is tied
    source, target = torch.randint(0, 50, (2, 150)), torch.randint(0, 50, (2, 140))
    with torch.no_grad():
        torch.testing.assert_close(ours(source, target), theirs(source, target), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(
    ("target", "names"),
    [  # as they are in the published checkpoints
        (
            "llama:Llama3_8B",
            "model.embed_tokens.weight model.layers.0.self_attn.q_proj.weight model.layers.31.self_attn.o_proj.weight "
            "model.layers.5.mlp.gate_proj.weight model.layers.5.mlp.up_proj.weight model.layers.5.mlp.down_proj.weight "
            "model.layers.0.input_layernorm.weight model.layers.0.post_attention_layernorm.weight model.norm.weight "
            "lm_head.weight",
        ),
        ("mistral:Mistral7B", "model.embed_tokens.weight model.layers.31.self_attn.k_proj.weight lm_head.weight"),
        (
            "mixtral:Mixtral8x7B",
            "model.embed_tokens.weight model.layers.31.self_attn.k_proj.weight model.layers.0.input_layernorm.weight "
            "model.layers.0.block_sparse_moe.gate.weight model.layers.0.block_sparse_moe.experts.0.w1.weight "
            "model.layers.31.block_sparse_moe.experts.7.w2.weight model.layers.9.block_sparse_moe.experts.4.w3.weight "
            "model.layers.5.post_attention_layernorm.weight model.norm.weight lm_head.weight",
        ),
        ("gpt2:GPT2Small", "wte.weight wpe.weight h.0.ln_1.weight h.11.mlp.c_fc.weight ln_f.bias"),
        (
            "bert:BERTBase",
            "embeddings.word_embeddings.weight embeddings.position_embeddings.weight embeddings.LayerNorm.bias "
            "embeddings.token_type_embeddings.weight pooler.dense.weight",
        ),
        (
            "vit:ViT_B16",
            "class_token conv_proj.weight encoder.pos_embedding encoder.layers.encoder_layer_11.mlp.3.bias "
            "encoder.layers.encoder_layer_0.self_attention.in_proj_weight encoder.ln.weight heads.head.weight",
        ),
        (
            "t5:T5Small",
            "shared.weight encoder.block.5.layer.0.layer_norm.weight encoder.block.0.layer.1.DenseReluDense.wi.weight "
            "decoder.block.5.layer.2.DenseReluDense.wo.weight decoder.final_layer_norm.weight",
        ),
    ],
)
def test_well_known_names(target: str, names: str) -> None:
    assert set(names.split()) <= set(state_dict_of(netspec.load(target)))


@pytest.mark.parametrize("target", SETTINGS)
def test_torch_and_onnx_agree(target: str) -> None:
    settings = [part for name, value in SETTINGS[target].items() for part in ("--set", f"{name}={value}")]
    command = [sys.executable, "-m", "netspec", "verify", target, *settings]
    done = subprocess.run(command, capture_output=True, encoding="utf-8")
    assert done.returncode == 0, done.stdout + done.stderr


# -- the blocks of the standard library ----------------------------------------------------------------------


def module(text: str) -> nn.Module:
    torch.manual_seed(0)
    made: nn.Module = netspec.loads(text).to_torch().eval()
    for tensor in made.parameters():
        nn.init.normal_(tensor, std=0.4)
    return made


@pytest.mark.parametrize("norm_first", [False, True])
@pytest.mark.parametrize("activation", ["relu", "gelu"])
def test_transformer_encoder_is_torchs(norm_first: bool, activation: str) -> None:
    flag = str(norm_first).lower()
    block = f"transformer_encoder 4 hidden=24 activation={activation} norm_first={flag}"
    ours = module(f"net Use {{\n  input x: [T, 16]\n  unit: {block}\n}}\n")
    theirs = nn.TransformerEncoderLayer(16, 4, 24, activation=activation, batch_first=True, norm_first=norm_first)
    theirs.load_state_dict({name.removeprefix("unit."): t for name, t in ours.state_dict().items()})
    theirs.train()  # without torch's fast path, of which the numbers are others
    for inner in theirs.modules():
        if isinstance(inner, nn.Dropout):
            inner.p = 0.0
    theirs.self_attn.dropout = 0.0
    x = torch.randn(2, 7, 16)
    torch.testing.assert_close(ours(x), theirs(x), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("norm_first", [False, True])
@pytest.mark.parametrize("activation", ["relu", "gelu"])
def test_transformer_decoder_is_torchs(norm_first: bool, activation: str) -> None:
    flag = str(norm_first).lower()
    block = f"transformer_decoder 4 hidden=24 activation={activation} norm_first={flag} with m"
    text = f"net Use {{\n  input x: [T, 16]\n  input m: [S, 16]\n  from x -> unit: {block} -> [T, 16]\n}}\n"
    ours = module(text)
    theirs = nn.TransformerDecoderLayer(
        16, 4, 24, dropout=0.0, activation=activation, batch_first=True, norm_first=norm_first
    ).eval()
    theirs.load_state_dict({name.removeprefix("unit."): t for name, t in ours.state_dict().items()})
    x, memory = torch.randn(2, 7, 16), torch.randn(2, 5, 16)
    mask = nn.Transformer.generate_square_subsequent_mask(7)
    expected = theirs(x, memory, tgt_mask=mask, tgt_is_causal=True)
    torch.testing.assert_close(ours(x, memory), expected, rtol=1e-4, atol=1e-4)


def test_encoder_is_torchvisions() -> None:
    ours = module("net Use {\n  input x: [T, 16]\n  unit: encoder 4 hidden=24 -> [T, 16]\n}\n")
    theirs = EncoderBlock(4, 16, 24)
    theirs.load_state_dict({name.removeprefix("unit."): t for name, t in ours.state_dict().items()})
    x = torch.randn(2, 7, 16)
    torch.testing.assert_close(ours(x), theirs(x), rtol=1e-4, atol=1e-4)


def test_patches_and_class_token() -> None:
    """A patch of 2 x 3 pixels of 3 colours is 18 numbers, mapped by one matrix; the token stands before the patches."""
    text = (
        "net Use {\n  input x: [3, 4, 9]\n  patches: patch_embedding 8 patch=2x3 -> class: class_token -> [7, 8]\n}\n"
    )
    net, ours = netspec.loads(text), module(text)
    assert state_dict_of(net) == {
        "patches.projection.weight": (8, 3, 2, 3), "patches.projection.bias": (8,), "class.token": (1, 8)
    }  # fmt: skip
    assert (net.params, net.macs) == (8 * 18 + 8 + 8, 6 * 8 * 18)
    assert not netspec.loads(text).to_torch().state_dict()["class.token"].any()  # as it begins
    x, state = torch.randn(2, 3, 4, 9), ours.state_dict()
    made = ours(x)
    matrix = state["patches.projection.weight"].flatten(1)
    for place, (row, column) in enumerate((row, column) for row in (0, 2) for column in (0, 3, 6)):
        patch = x[:, :, row : row + 2, column : column + 3].flatten(1)
        expected = patch @ matrix.T + state["patches.projection.bias"]
        torch.testing.assert_close(made[:, place + 1], expected, rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(made[:, 0], state["class.token"].expand(2, -1))


def test_blocks_in_torch_and_onnx(tmp_path: Path) -> None:
    """Of each two, so that their classes take widths."""
    text = """
        net Captions {
          input image: [3, H=9, W=12]
          input text: [T=6, 16]
          from image -> patch_embedding 16 patch=3 -> class_token -> encoder 4 -> dense 8 -> encoder 2 -> class_token
          seen: dense 16
          from text -> transformer_decoder 4 with seen -> transformer_decoder 2 norm_first=true with seen
        }
    """
    path = tmp_path / "captions.net"
    path.write_text(text)
    for symbolic in ([], ["--symbolic"]):
        command = [sys.executable, "-m", "netspec", "verify", str(path), *symbolic]
        done = subprocess.run(command, capture_output=True, encoding="utf-8")
        assert done.returncode == 0, done.stdout + done.stderr


def test_decoder_is_llamas() -> None:
    """The two steps of Llama's decoder, on the layers of which it consists."""
    ours = module("net Use {\n  input x: [T, 16]\n  unit: decoder 4 24 kv_heads=2\n}\n")
    unit: Any = ours.get_submodule("unit")
    x = torch.randn(2, 7, 16)

    def normed(y: Tensor, weight: Tensor) -> Tensor:
        return y / (y.square().mean(-1, keepdim=True) + 1e-5).sqrt() * weight

    y = x + unit.self_attn(normed(x, unit.input_layernorm.weight))
    inner = normed(y, unit.post_attention_layernorm.weight)
    gate, up, down = (getattr(unit.mlp, f"{name}_proj").weight for name in ("gate", "up", "down"))
    y = y + (nn.functional.silu(inner @ gate.T) * (inner @ up.T)) @ down.T
    torch.testing.assert_close(ours(x), y, rtol=1e-4, atol=1e-4)
    past = ours(torch.cat([x[:, :4], torch.randn(2, 3, 16)], 1))
    torch.testing.assert_close(past[:, :4], ours(x)[:, :4])


def test_the_check_of_405_billion_parameters_reads_no_weights() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "netspec", "check", "llama:Llama405B"], capture_output=True, encoding="utf-8"
    )
    assert done.returncode == 0
    assert "405,853,388,800" in next(line for line in done.stdout.splitlines() if line.startswith("total"))
    assert Path(find_source("llama").path or "").name == "llama.net"
