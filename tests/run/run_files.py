"""Files that the tests of `netspec run` are given: specs, arrays, images and models, good and bad."""

from __future__ import annotations

import io
import os
import shlex
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from click.testing import CliRunner, Result
from onnx import TensorProto, helper, numpy_helper
from PIL import Image

from netspec.cli import cli

SPECS = {
    "pixels": "input image: [3, 2, 2]\n  flatten",
    "grey": "input image: [1, 2, 2]\n  flatten",
    "plane": "input image: [2, 2]\n  flatten",
    "clear": "input image: [4, 2, 2]\n  flatten",
    "bytes": "input image: [H, W]\n  flatten",
    "pair": "input left: [3, H, W]\n  input right: [3, H, W]\n  from left -> add with right\n  reduce mean axes=(1, 2)",
    "usual": "input image: [3, H=4, W=4]\n  globalavgpool -> flatten",
    "words": "input ids: int64 [T]\n  embedding 10 4\n  reduce mean axes=0\n  out: dense 3",
    "doubled": "input left: [H]\n  input right: [2 * H]\n  from left -> concat with left -> add with right",
    "small": "input x: [2]\n  out: dense 3 bias=false",
    "several": "input x: [4]\n  first: relu\n  from x -> second: softmax\n  return first, second",
    "half": "input x: float16 [2]\n  relu",
    "brain": "input x: bfloat16 [2]\n  relu",
}


def run(command: str) -> Result:
    """What `netspec run` does with a command line."""
    result = CliRunner().invoke(cli, ["run", *shlex.split(command)], prog_name="netspec")
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def refusal(command: str) -> str:
    """The one line that a command is refused with."""
    result = run(command)
    assert (result.exit_code, result.stdout) == (2, ""), result.output
    assert result.stderr.startswith("Error: "), result.stderr
    assert result.stderr.count("\n") == 1
    return result.stderr.removeprefix("Error: ").rstrip("\n")


def outputs(command: str) -> dict[str, np.ndarray[Any, Any]]:
    """The outputs of a command, through a file."""
    result = run(f"{command} -o outputs.npz")
    assert result.exit_code == 0, result.output
    with np.load("outputs.npz") as file:
        return dict(file)


def write_specs(folder: Path) -> None:
    for name, body in SPECS.items():
        (folder / f"{name}.net").write_text(f"net {name.capitalize()} {{\n  {body}\n}}\n")


def write_arrays(folder: Path) -> None:
    numbers = np.random.default_rng(0)
    arrays: dict[str, Any] = {
        "two": numbers.random((2, 3, 2, 2), np.float32),
        "one": numbers.random((3, 2, 2)),
        "last": numbers.random((1, 2, 2, 3), np.float32),
        "wide": numbers.random((1, 3, 5, 6), np.float32),
        "flat": numbers.random((2, 12), np.float32),
        "levels": np.arange(12, dtype=np.uint8).reshape(1, 3, 2, 2),
        "long": np.full((1, 3, 2, 2), 2**40 + 1),
        "huge": np.full((1, 3, 2, 2), 1e300),
        "complex": np.ones((1, 3, 2, 2), complex),
        "texts": np.array(["a"]),
        "ids": np.array([[0, 9, 3], [1, 2, 3]], np.int32),
        "rows": np.array([[1, 10]]),
        "minus": np.array([[1, -1]]),
        "floats": np.ones((1, 3)),
        "columns": np.asfortranarray(numbers.random((2, 3, 2, 2), np.float32)),
        "foreign": numbers.random((1, 3, 2, 2)).astype(">f4"),
        "many": numbers.random((3, 2), np.float32),
    }
    for name, array in arrays.items():
        np.save(folder / f"{name}.npy", array)
    np.save(folder / "objects.npy", np.array([{}], object), allow_pickle=True)
    np.savez(folder / "both.npz", left=arrays["two"], right=arrays["two"] + 1)
    np.savez(folder / "alone.npz", any_name=arrays["two"])
    sound = (folder / "two.npy").read_bytes()
    (folder / "cut.npy").write_bytes(sound[:-40])
    (folder / "head.npy").write_bytes(sound[:40])
    head = io.BytesIO()
    np.lib.format.write_array_header_1_0(head, {"descr": "<f4", "fortran_order": False, "shape": (10**9, 3, 2, 2)})
    (folder / "claims.npy").write_bytes(head.getvalue())
    (folder / "code.npy").write_bytes(b"\x93NUMPY\x01\x00\x40\x00" + b"{'descr': __import__('os').abort()}".ljust(64))
    packed = bytearray((folder / "alone.npz").read_bytes())
    (folder / "cut.npz").write_bytes(packed[: len(packed) // 2])
    packed[200] ^= 0xFF
    (folder / "flipped.npz").write_bytes(packed)
    (folder / "notes.txt").write_text("hello")


def write_images(folder: Path) -> None:
    grey = np.array([[0, 51], [102, 255]], np.uint8)
    Image.fromarray(grey).save(folder / "grey.png")
    Image.fromarray(np.stack([grey, grey // 3, 255 - grey], -1)).save(folder / "rgb.png")
    Image.fromarray(np.array([[0, 65535], [257, 13107]], np.uint16)).save(folder / "deep.png")
    Image.fromarray(np.kron(grey, np.ones((3, 4), np.uint8))).save(folder / "large.png")
    Image.new("RGBA", (2, 2), (255, 0, 0, 255)).save(folder / "opaque.png")
    Image.new("RGBA", (2, 2), (0, 0, 0, 0)).save(folder / "clear.png")
    Image.new("1", (2, 2), 1).save(folder / "bits.png")
    Image.new("RGB", (2, 2), (255, 0, 0)).quantize().save(folder / "palette.png")
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("L", (2, 4), 128).save(folder / "turned.jpg", exif=exif)
    Image.new("L", (2, 2)).save(folder / "image.gif")
    Image.new("1", (10_000, 10_000)).save(folder / "bomb.png")
    Image.new("1", (20_000, 20_000)).save(folder / "bigger_bomb.png")
    for name in ("large.png", "turned.jpg"):
        data = (folder / name).read_bytes()
        (folder / f"cut_{name}").write_bytes(data[: len(data) * 2 // 3])
    (folder / "fake.png").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(50))


# -- models ---------------------------------------------------------------------------------------------


def info(name: str, shape: Any, kind: int = TensorProto.FLOAT) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, kind, shape)


def model(
    nodes: Any, inputs: Any, results: Any, tensors: Any = (), opset: int = 17, version: int = 8, name: str = "toy"
) -> onnx.ModelProto:
    graph = helper.make_graph(list(nodes), name, list(inputs), list(results), list(tensors))
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=version)


def product(tensor: Any, **options: Any) -> onnx.ModelProto:
    """x [N, 4] times a matrix [4, 3]."""
    node = helper.make_node("MatMul", ["x", "w"], ["y"])
    return model([node], [info("x", ["N", 4])], [info("y", ["N", 3])], [tensor], **options)


def unary(op: str, shape: Any, kind: int = TensorProto.FLOAT, result: int | None = None, **attributes: Any) -> Any:
    """y = op(x)."""
    node = helper.make_node(op, ["x"], ["y"], **attributes)
    return model([node], [info("x", shape, kind)], [info("y", None, kind if result is None else result)])


def external(location: str, **entries: int) -> onnx.TensorProto:
    """A matrix [4, 3] in another file."""
    tensor = TensorProto(name="w", dims=[4, 3], data_type=TensorProto.FLOAT, data_location=TensorProto.EXTERNAL)
    for key, value in {"location": location, **entries}.items():
        tensor.external_data.add(key=key, value=str(value))
    return tensor


def write_models(folder: Path) -> None:
    ones = numpy_helper.from_array(np.ones((4, 3), np.float32), "w")
    toy = product(ones)
    data = toy.SerializeToString()
    (folder / "empty.onnx").write_bytes(b"")
    (folder / "text.onnx").write_text("net Small { }")
    (folder / "cut.onnx").write_bytes(data[:-30])
    (folder / "no_graph.onnx").write_bytes(onnx.ModelProto(ir_version=8).SerializeToString())
    (folder / "latin.onnx").write_bytes(data.replace(b"\x01x", b"\x01\xd8"))
    with open(folder / "large.onnx", "wb") as file:
        file.truncate(3 * 2**30)  # of which nothing is on the disk
    np.ones(12, np.float32).tofile(folder / "w.bin")
    np.ones(12, np.float32).tofile(folder / "linked.bin")
    os.link(folder / "linked.bin", folder / "other.bin")
    os.symlink("w.bin", folder / "link.bin")
    os.symlink("/tmp", folder / "link")
    inner = helper.make_node("Constant", [], ["c"])
    inner.attribute.add(name="value", type=onnx.AttributeProto.TENSOR).t.CopyFrom(external("/etc/passwd"))
    then = helper.make_graph([inner, helper.make_node("MatMul", ["x", "c"], ["a"])], "then", [], [info("a", None)])
    other = helper.make_graph([helper.make_node("Identity", ["x"], ["b"])], "other", [], [info("b", None)])
    choice = helper.make_node("If", ["k"], ["y"], then_branch=then, else_branch=other)
    flag = info("k", [], TensorProto.BOOL)
    row = info("x", ["N", 2])
    made = {
        "toy": toy,
        "opset": product(ones, opset=99),
        "version": product(ones, version=99),
        "beside": product(external("w.bin")),
        "absolute": product(external("/etc/passwd")),
        "drive": product(external("C:\\w.bin")),
        "up": product(external("../w.bin")),
        "up_windows": product(external("..\\w.bin")),
        "symlink": product(external("link.bin")),
        "symlinked": product(external("link/w.bin")),
        "hardlink": product(external("linked.bin")),
        "missing": product(external("none.bin")),
        "memory": product(external("*/_ORT_MEM_ADDR_/*", offset=4096, length=48)),
        "folder": product(external(".")),
        "nowhere": product(external("")),
        "beyond": product(external("w.bin", offset=8, length=48)),
        "negative": product(external("w.bin", offset=-8, length=48)),
        "nested": model([choice], [info("x", ["N", 4]), flag], [info("y", None)]),
        "unknown": unary("Foo", ["N", 2]),
        "loose": model([helper.make_node("Relu", ["z"], ["y"])], [row], [info("y", None)]),
        "reshape": model(
            [helper.make_node("Reshape", ["x", "s"], ["y"])], [row], [info("y", None)],
            [numpy_helper.from_array(np.array([7, -1]), "s")],
        ),
        "any": unary("Relu", None),
        "fixed": unary("Relu", [1, 3, 2, 2]),
        "quantised": unary("Cast", ["N", 1, 2, 2], TensorProto.UINT8, TensorProto.FLOAT, to=TensorProto.FLOAT),
        "free": unary("Relu", [None, 3, "H", "H // 2"]),
        "texts": unary("Identity", ["N"], TensorProto.STRING),
        "float8": unary("Identity", ["N"], TensorProto.FLOAT8E4M3FN),
        "flags": unary("Not", ["N", 3], TensorProto.BOOL),
        "lists": model(
            [helper.make_node("SequenceConstruct", ["x"], ["s"]), helper.make_node("Relu", ["x"], ["y"])],
            [row], [helper.make_tensor_sequence_value_info("s", TensorProto.FLOAT, None), info("y", None)],
        ),
        "takes_list": model(
            [helper.make_node("SequenceAt", ["x", "i"], ["y"])],
            [helper.make_tensor_sequence_value_info("x", TensorProto.FLOAT, None)], [info("y", None)],
            [numpy_helper.from_array(np.array(0), "i")],
        ),
        "table": model(
            [helper.make_node("Gather", ["w", "x"], ["y"])], [info("x", ["N", 5], TensorProto.INT32)],
            [info("y", None)], [ones],
        ),
        "names": model(
            [helper.make_node("Relu", ["x"], [name]) for name in ("../a", "/a", "a:a", "A:A", "b.npy", "")]
            [:5], [row], [info(name, ["N", 2]) for name in ("../a", "/a", "a:a", "A:A", "b.npy")],
        ),
    }  # fmt: skip
    for name, proto in made.items():
        (folder / f"{name}.onnx").write_bytes(proto.SerializeToString())
