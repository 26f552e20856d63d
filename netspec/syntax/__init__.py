"""Text to AST: Lark's LALR parser builds the nodes of `syntax.ast` directly, each with its span."""
