"""netspec: a small declarative language for neural networks, its compiler and its shape checker."""

__version__ = "0.1.0"
