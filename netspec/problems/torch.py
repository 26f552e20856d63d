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
    """A torch module applies the layers that it holds itself. A layer whose weights belong to a layer outside of its
    block, group or repeat has no place in such a module yet."""

    code = "NS602"
    about = "Something that has no torch source yet"
    title = "this cannot be written as torch source"
    label = "{reason}"
    help = "{remedy}"
    wrong = """
        $ netspec codegen example.net
        net Shared {
          input x: [8]
          first: dense 8
          tail: { relu -> reuse first }
        }
        """
    mended = """
        $ netspec codegen example.net
        net Shared {
          input x: [8]
          first: dense 8
          relu -> reuse first
        }
        """
