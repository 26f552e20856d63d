"""The intermediate representation: sizes, types, and the hierarchy of modules that a spec describes."""
