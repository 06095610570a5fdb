"""A bar chart, as SVG."""

from collections.abc import Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape

COLOURS = ("#4269d0", "#efb118", "#3ca951", "#ff725c")
BAR, GAP = 18, 6
LABELS, WIDTH, HEAD = 100, 420, 56


@dataclass(frozen=True)
class Bar:
    """A bar of one or more named parts."""

    label: str
    parts: dict[str, float]

    @property
    def length(self) -> float:
        """The sum of the parts."""
        return sum(self.parts.values())


def bars(panels: dict[str, Sequence[Bar]]) -> str:
    """One picture of titled panels, side by side."""
    height = HEAD + max(map(len, panels.values())) * (BAR + GAP)
    width = len(panels) * (LABELS + WIDTH)
    drawn = "\n".join(
        f'<g transform="translate({index * (LABELS + WIDTH)} 0)">\n{panel(title, rows)}\n</g>'
        for index, (title, rows) in enumerate(panels.items())
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}"'
        ' font-family="sans-serif" font-size="12">\n'
        f'<rect width="{width}" height="{height}" fill="white"/>\n{drawn}\n</svg>\n'
    )


def panel(title: str, rows: Sequence[Bar]) -> str:
    """One panel: its title, its legend and its bars."""
    names = list(dict.fromkeys(name for row in rows for name in row.parts))
    colours = dict(zip(names, COLOURS, strict=False))
    scale = (WIDTH - 60) / max(row.length for row in rows)
    lines = [f'<text x="{LABELS}" y="18" font-weight="bold">{escape(title)}</text>']
    for index, name in enumerate(names if len(names) > 1 else []):
        left = LABELS + index * 90
        lines.append(f'<rect x="{left}" y="28" width="12" height="12" fill="{colours[name]}"/>')
        lines.append(f'<text x="{left + 16}" y="38">{escape(name)}</text>')
    for index, row in enumerate(rows):
        top, x = HEAD + index * (BAR + GAP), float(LABELS)
        middle = top + BAR / 2 + 4
        lines.append(
            f'<text x="{LABELS - 6}" y="{middle}" text-anchor="end">{escape(row.label)}</text>'
        )
        for name, value in row.parts.items():
            lines.append(
                f'<rect x="{x:.1f}" y="{top}" width="{value * scale:.1f}" height="{BAR}"'
                f' fill="{colours[name]}"/>'
            )
            x += value * scale
        lines.append(f'<text x="{x + 4:.1f}" y="{middle}">{row.length:.1f}</text>')
    return "\n".join(lines)
