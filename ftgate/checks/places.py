"""Places of many examples in little memory."""

from collections.abc import Iterable

from ftgate.values.finding import Place

_LINE_BITS = 40


class Places:
    """Packs path and line into one integer; paths are kept once."""

    def __init__(self) -> None:
        self._paths: list[str] = []
        self._numbers: dict[str, int] = {}

    def keep(self, place: Place) -> int:
        """The integer that stands for a place."""
        number = self._numbers.get(place.path)
        if number is None:
            number = self._numbers[place.path] = len(self._paths)
            self._paths.append(place.path)
        return number << _LINE_BITS | place.line

    def keep_lines(self, path: str, lines: Iterable[int]) -> Iterable[int]:
        """The integers that stand for lines of one file."""
        above = self.keep(Place(path=path))
        return [above | line for line in lines] if above else lines

    def adopt(self, others: "Places", kept: Iterable[int]) -> list[int]:
        """What others have kept, as integers of these places."""
        above = [self.keep(Place(path=path)) for path in others._paths]
        mask = (1 << _LINE_BITS) - 1
        return [above[number >> _LINE_BITS] | number & mask for number in kept]

    def place(self, kept: int) -> Place:
        """Path and line; columns and pointers are not kept."""
        return Place(path=self._paths[kept >> _LINE_BITS], line=kept & (1 << _LINE_BITS) - 1)

    def name(self, kept: int) -> str:
        """path:line, as people write it."""
        place = self.place(kept)
        return f"{place.path}:{place.line}"
