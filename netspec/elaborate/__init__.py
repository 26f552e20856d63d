"""AST and catalogue to IR: names, arguments, block instances, repeats. Types are inferred on the way,
because conditions and arguments may depend on them."""
