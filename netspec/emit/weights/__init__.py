"""The numbers of a net's weights: drawn at random, or from a file."""
