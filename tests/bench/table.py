"""What `make bench` shows: rows, tables of them, and the entries of bench.json."""

import dataclasses
import typing


@dataclasses.dataclass
class Row:
    """An operation. Figures are found by the row's name unless something else is said."""

    name: str
    text: str
    unit: str = "instructions"
    figure: typing.Callable = None  # makes it of all figures of a system
    peer: str = ""  # the name of the peer's figure
    target: typing.Optional[float] = None

    def value(self, figures, name=""):
        try:
            return self.figure(figures) if self.figure else figures[name or self.name]
        except KeyError:
            return None

    def peer_value(self, figures):
        return self.value(figures, self.peer)


def _number(value):
    if value is None:
        return "-"
    return f"{value:,.2f}" if value % 1 else f"{int(value):,}"


def report(platform, rows, headings, ours, peers, transitions=None):
    """Prints a table; returns its entries for bench.json.

    `headings` are of the first column and of the peer's. `transitions` are counts by name, for a
    table of rows with targets; empty: without them; None: without targets, too.
    """
    columns = [headings[0], "Veneer", headings[1], "ratio"]
    columns += ["target"] if transitions is not None else []
    columns += ["switches"] if transitions else []
    _print(columns, "unit")
    entries = []
    for row in rows:
        value, peer = row.value(ours), row.peer_value(peers)
        entries.append({"name": row.name, "platform": platform, "value": value, "unit": row.unit,
                        "peer": peer})  # fmt: skip
        ratio = f"{value / peer:.2f}" if value is not None and peer else "-"
        columns = [row.text, _number(value), _number(peer), ratio]
        if transitions is not None:
            columns.append(_number(row.target))
        if transitions:
            columns.append(_number(transitions.get(row.name)))
        _print(columns, row.unit)
    print()
    return entries


def _print(columns, unit):
    first, *others = columns
    print(f"{first:44}" + "".join(f"{column:>11}" for column in others) + f"  {unit}", flush=True)
