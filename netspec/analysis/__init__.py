"""Facts about a network: pure functions from IR and types to tables, keyed by module and node.

A module is analysed once and counted as often as it is used, so the work grows with the text of the spec.
"""
