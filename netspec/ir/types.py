"""Tensor types: a shape of one sample, without the batch, and an element type."""

from __future__ import annotations

from typing import Any, ClassVar

from netspec import limits
from netspec.ir.dims import Dim, Expr, Op

DTYPE_BYTES = {"float32": 4, "float16": 2, "bfloat16": 2, "float64": 8, "int64": 8, "int32": 4, "bool": 1}

_LARGEST = 10**limits.INTEGER_DIGITS
_LARGEST_DIVISOR = 10**limits.DIVISOR_DIGITS


def _divisor(size: Expr) -> int:
    """The largest number by which a formula divides."""
    atoms = (atom for monomial in size.terms for atom, _ in monomial if isinstance(atom, Op))
    return max((atom.right for atom in atoms if isinstance(atom.right, int)), default=0)


class TensorType:
    """A tensor of one sample: `[6, 28, 28]` of float32. Immutable and hashable."""

    __slots__ = ("_elements", "_hash", "dtype", "shape")
    known: ClassVar[bool] = True

    def __init__(self, shape: tuple[Dim, ...], dtype: str = "float32") -> None:
        self.shape = shape
        self.dtype = dtype
        self._hash = hash((shape, dtype))
        self._elements: Dim = -1  # kept, for of formulas the product is long

    @property
    def rank(self) -> int:
        return len(self.shape)

    @property
    def elements(self) -> Dim:
        """How many numbers one sample has."""
        if isinstance(self._elements, int) and self._elements < 0:
            count: Dim = 1
            for size in self.shape:
                count = count * size
            self._elements = count
        return self._elements

    @property
    def bytes(self) -> Dim:
        return self.elements * DTYPE_BYTES[self.dtype]

    @property
    def excess(self) -> str:
        """By what it is larger than anything that is computed with; nothing where it is not."""
        if len(self.shape) > limits.AXES:
            return f"the tensor has {len(self.shape):,} axes, at most {limits.AXES}"
        count = 1
        for size in self.shape:
            factor = size if isinstance(size, int) else max(map(abs, size.terms.values()))
            if factor >= _LARGEST:
                return f"a size has more than {limits.INTEGER_DIGITS} digits"
            if not isinstance(size, int) and _divisor(size) >= _LARGEST_DIVISOR:
                return f"a size is divided by a number of more than {limits.DIVISOR_DIGITS} digits"
            count *= factor
        return f"the number of elements has more than {limits.INTEGER_DIGITS} digits" if count >= _LARGEST else ""

    def held_as(self, dtype: str) -> TensorType:
        """The type with another element type where it is float32."""
        return self if self.dtype != "float32" or dtype == "float32" else TensorType(self.shape, dtype)

    def with_shape(self, *shape: Dim) -> TensorType:
        return TensorType(shape, self.dtype)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, TensorType) and self.shape == other.shape and self.dtype == other.dtype

    def __hash__(self) -> int:
        return self._hash

    def __str__(self) -> str:
        shape = "[" + ", ".join(map(str, self.shape)) + "]"
        return shape if self.dtype == "float32" else f"{self.dtype} {shape}"

    def __repr__(self) -> str:
        return f"TensorType({self})"

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: Any) -> Any:
        """In JSON a type is {"shape": [6, "H // 2"], "dtype": "float32"}."""
        from netspec.ir.typejson import core_schema  # only when IR meets JSON

        return core_schema()


class Unknown(TensorType):
    """The type of a value that a mistake made unknowable. It passes through every rule, so that one
    mistake is told once, and it is no number in any total."""

    known: ClassVar[bool] = False

    def __init__(self) -> None:
        super().__init__(())

    def held_as(self, dtype: str) -> TensorType:
        return self

    def __str__(self) -> str:
        return "?"


UNKNOWN = Unknown()
