"""How statements are written, by the word that begins them: for messages."""

STATEMENTS = {
    "INPUT": "an input is written `input image: [3, 224, 224]`",
    "PARAM": "a tensor of its own is written `param pos: [197, 768]`",
    "LET": "a value gets a name by `let width = 64`",
    "USE": '`use "blocks.net"` brings in another file',
    "BLOCK": "a block is written `block unit(out, stride = 1) { ... }`",
    "NET": "a net is written `net Name { ... }`, an instance of one `net Wide = Name width=64`",
    "REPEAT": "a repeat is written `repeat 3 { ... }` or `repeat 3 as i { ... }`",
    "FOR": "a loop is written `for n in (64, 128) { ... }`",
    "IF": "a choice is written `if stride != 1 { ... } else { ... }`",
    "ASSERT": "a claim is written `assert params == 60_000`",
    "FROM": "`from x -> ...` starts a chain from the label x",
    "RETURN": "`return a, b` names the outputs of a block or net",
    "REUSE": "`reuse x` applies the layer labelled x again",
    "WHERE": "conditions are written `input image: [3, H, W] where H % 32 == 0, W >= 64`",
    "ELSE": "`else` follows the `}` of an `if`",
}

# words that begin statements in other languages
FOREIGN = {
    **dict.fromkeys(("import", "include"), STATEMENTS["USE"]),
    **dict.fromkeys(("var", "const"), "a value gets a name by `let width = 64`"),
    **dict.fromkeys(("def", "function", "fn", "func"), STATEMENTS["BLOCK"]),
    **dict.fromkeys(("class", "model", "network"), STATEMENTS["NET"]),
    **dict.fromkeys(("while", "loop"), STATEMENTS["REPEAT"]),
    **dict.fromkeys(("check", "expect", "require"), STATEMENTS["ASSERT"]),
    "elif": "write `else if`",
    "output": STATEMENTS["RETURN"],
}
