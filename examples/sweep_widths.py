"""Which widths of a small residual net fit a budget? Thousands of variants, checked without building one.

    python examples/sweep_widths.py

Every variant is proven: shapes fit, parameters and multiply-accumulates are exact.
"""

from __future__ import annotations

from itertools import product

import netspec

SPEC = """
net Tiny(width, depth, classes = 10) {
  input image: [3, 32, 32]
  conv width k=3 pad=1 bias=false -> batchnorm -> relu
  repeat depth { basic width }
  repeat depth as i { basic (2 * width) stride=(2 if i == 0 else 1) }
  repeat depth as i { basic (4 * width) stride=(2 if i == 0 else 1) }
  globalavgpool -> flatten
  dense classes
}
"""
PARAMS, MACS = 300_000, 40_000_000


def main() -> None:
    """Check all variants, and print those within the budget that use most of it."""
    fitting = []
    variants = list(product(range(8, 40), range(1, 9)))
    for width, depth in variants:
        net = netspec.loads(SPEC, width=width, depth=depth)
        if net.params <= PARAMS and net.macs <= MACS:
            fitting.append((net.macs, net.params, width, depth))
    print(
        f"{len(fitting)} of {len(variants)} variants have at most {PARAMS:,} parameters and {MACS:,} MACs; the largest:"
    )
    for macs, params, width, depth in sorted(fitting, reverse=True)[:5]:
        print(f"  width {width:2}  depth {depth}  {params:>9,} parameters  {macs:>12,} MACs")


if __name__ == "__main__":
    main()
