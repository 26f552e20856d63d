"""Torch source from a spec: `source.generate`. Nothing here imports torch."""
