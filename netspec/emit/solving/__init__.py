"""`netspec solve`: the sizes that meet a claim."""
