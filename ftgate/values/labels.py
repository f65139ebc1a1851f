"""When the outputs of a dataset are labels: few, short, and each of them many times."""

MOST_LABELS = 500
LONGEST = 200
"""Characters of a label at most."""
EXAMPLES_EACH = 5
"""Examples per output, on average, from which the outputs are labels."""


def are_labels(distinct: int, examples: int) -> bool:
    """Whether so many different outputs of so many examples are labels; how long they are is asked apart."""
    return 2 <= distinct <= MOST_LABELS and examples >= EXAMPLES_EACH * distinct
