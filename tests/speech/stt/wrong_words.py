"""How far what was understood is from what was said."""


def wrong_words(said: str, understood: str) -> int:
    """Words to insert, delete or replace: the Levenshtein distance in words, whatever the case."""
    target = understood.lower().split()
    row = list(range(len(target) + 1))
    for count, word in enumerate(said.lower().split(), 1):
        diagonal, row[0] = row[0], count
        for place, other in enumerate(target, 1):
            step = diagonal + (word != other)
            diagonal = row[place]
            row[place] = min(step, diagonal + 1, row[place - 1] + 1)
    return row[-1]
