"""A checked net written out, with what may be wrong about that told at its place in the spec."""

from __future__ import annotations

from netspec.analysis.unrolled import Step, TooManyLayers, Unrolled, unroll
from netspec.diagnostics import Diagnostic, Problem, SpecError
from netspec.driver import Compilation
from netspec.ir.dims import Expr
from netspec.limits import LAYERS
from netspec.ops.base import Weight
from netspec.problems.onnx import SymbolicWeight, TooManyLayersToWrite


def numbers_given(made: Compilation) -> None:
    """Raises SpecError where a parameter is left symbolic: a net that is made has numbers of channels."""
    from netspec.problems.onnx import OpenParameter  # only on the way to an error

    problems = [OpenParameter(net=made.name, name=name) for name in made.open_parameters]
    if problems:
        raise SpecError(tuple(problem.nowhere("--symbolic") for problem in problems))


def symbolic_weight(name: str, weight: Weight) -> SymbolicWeight | None:
    """The problem of a weight with a symbol in its shape, if it has one."""
    symbols = sorted({symbol for size in weight.shape if isinstance(size, Expr) for symbol in size.symbols})
    if not symbols:
        return None
    told = ", ".join(f"`{symbol}`" for symbol in symbols)
    return SymbolicWeight(None, name=name, shape=weight.type, symbols=told, symbol=symbols[0])


def unrolled(made: Compilation) -> Unrolled:
    """A checked net written out. Raises SpecError."""
    network = made.network
    if network is None or not made.sound:
        raise SpecError(made.diagnostics)
    if made.symbolic:
        numbers_given(made)
    try:
        return unroll(network, made.types)
    except TooManyLayers as error:
        problem = TooManyLayersToWrite(net=network.name, layers=f"{error.layers:,}", most=f"{LAYERS:,}")
        raise SpecError((problem.nowhere(made.source.name),)) from None


def mistake_of(made: Compilation, problem: Problem, step: Step) -> Diagnostic:
    """A mistake at the place of a layer."""
    return mistake_at(made, problem, step.module, step.node.name)


def mistake_at(made: Compilation, problem: Problem, module: str, node: str) -> Diagnostic:
    """A mistake at the place of a node, by the names of its module and of itself."""
    span = made.span(module, node)
    return problem.at(span) if span else problem.nowhere(made.source.name)


def tensors_of(made: Compilation) -> dict[str, tuple[Weight, Step]]:
    """All weights of a net by name, each with the first layer that uses it; their sizes are numbers.

    Raises SpecError, also where a size is a symbol.
    """
    found = unrolled(made).tensors()
    symbolic: dict[tuple[str, str], Diagnostic] = {}  # one for each layer of the spec
    for name, (weight, step) in found.items():
        problem = symbolic_weight(name, weight)
        if problem is not None:
            symbolic.setdefault((step.module, step.node.name), mistake_of(made, problem, step))
    if symbolic:
        raise SpecError(tuple(symbolic.values()))
    return found
