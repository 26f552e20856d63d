"""Every way in which a spec can be wrong: a code, a title, a label and a help; the docstring explains it.

NS0xx files and limits, NS1xx syntax, NS2xx names and arguments, NS3xx shapes, NS4xx claims,
NS5xx structure; W1xx and W2xx warnings. One file for each family.
"""
