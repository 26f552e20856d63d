"""NS6xx: sound specs that cannot be written as torch source."""

from __future__ import annotations

from netspec.diagnostics import Problem


class TorchName(Problem):
    """A label becomes the name of an attribute of a torch module, and the first part of its weights' names. The
    attributes that every torch module has, such as `train` and `parameters`, and names that begin with two underscores
    cannot be labels there. The spec itself is sound, and can be checked."""

    code = "NS601"
    about = "A label that every torch module has for itself"
    title = "`{name}` cannot be an attribute of a torch module"
    label = "every torch module has a `{name}`"
    help = "choose another label"
    wrong = """
        $ netspec codegen example.net
        net Classifier {
          input image: [1, 28, 28]
          flatten
          train: dense 10
        }
        """
    mended = """
        $ netspec codegen example.net
        net Classifier {
          input image: [1, 28, 28]
          flatten
          trained: dense 10
        }
        """


class NoTorch(Problem):
    """In torch a layer is tied to another by an assignment, and each iteration of a repeat has a layer of its own. So
    many assignments are written out one by one."""

    code = "NS602"
    about = "More tied layers than are written out"
    title = "a repeat ties too many layers"
    label = "{count} iterations, at most {most}"
    help = "`reuse` applies one layer again and again, and needs no assignment"
    wrong = """
        $ netspec codegen example.net
        net Tied {
          input x: [8]
          first: dense 8 bias=false
          repeat 2_000 { dense 8 bias=false tie=first }
        }
        """
    mended = """
        $ netspec codegen example.net
        net Tied {
          input x: [8]
          first: dense 8 bias=false
          repeat 2_000 { reuse first }
        }
        """


class SymbolicArgument(Problem):
    """An argument that is a formula in the sizes of an input has another value for each input. Torch code is written
    with numbers where these decide a layer's shape; `-1` in a `reshape` is computed when the module runs."""

    code = "NS603"
    about = "An argument that is a formula where torch has a number"
    title = "`{name}` of `{layer}` is {value}, and torch code has a number there"
    label = "depends on the size of the input"
    help = "give the symbol a value, such as `--set {symbol}=64`"
    wrong = """
        $ netspec codegen example.net
        net Rows {
          input image: [4, H, 8]
          reshape (4, 8 * H)
        }
        """
    mended = """
        $ netspec codegen example.net
        net Rows {
          input image: [4, H, 8]
          reshape (4, -1)
        }
        """


class OtherModule(Problem):
    """Torch has a module of its own for each number of axes: `nn.BatchNorm2d` for images, `nn.BatchNorm1d` for
    sequences. `reuse` applies one module again, so that its inputs need as many axes as before."""

    code = "NS604"
    about = "A layer used again for inputs with another number of axes"
    title = "`{layer}` is another module in torch for {shape} than for {before}"
    label = "gets {shape}"
    help = "`reshape` before it to the axes of {before}, or write the layer anew, with weights of its own"
    wrong = """
        $ netspec codegen example.net
        net Twice {
          input image: [16, 8, 8]
          norm: batchnorm
          flatten start=1
          reuse norm
        }
        """
    mended = """
        $ netspec codegen example.net
        net Twice {
          input image: [16, 8, 8]
          norm: batchnorm
          maxpool 2
          reuse norm
        }
        """
