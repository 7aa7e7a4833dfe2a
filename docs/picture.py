#!/usr/bin/env python3
"""Draws what `yufu demo` prints as a picture for the README.

    cargo run --release -- demo | python3 docs/picture.py > docs/demo.svg
"""
import html
import sys
import unicodedata

CELL, LINE, LEFT, TOP = 8.4, 22, 24, 58
COLOURS = {"✔": "#7ee2a8", "✘": "#ff9a8b"}


def wide(character):
    return unicodedata.east_asian_width(character) in "WF"


def columns(text):
    return sum(2 if wide(c) else 1 for c in text)


def runs(line):
    """Runs of one script with the column each starts at, so that fonts of differing widths keep the columns."""
    column, start, run = 0, 0, ""
    for c in line:
        if run and wide(c) != wide(run[-1]):
            yield start, run
            start, run = column, ""
        run += c
        column += columns(c)
    if run:
        yield start, run


def main():
    lines = [line.rstrip("\n") for line in sys.stdin]
    # The closing table is what the picture shows: from the first rule on.
    start = next((n for n, line in enumerate(lines) if line.startswith("───")), 0)
    lines = [line for line in lines[start:] if line.strip()]
    width = LEFT * 2 + CELL * max(columns(line) for line in lines)
    height = TOP + LINE * len(lines) + 8
    font = "ui-monospace, SFMono-Regular, Menlo, Consolas, 'Noto Sans Mono CJK SC', monospace"
    print(f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height}" role="img" aria-label="yufu demo">')
    print('<rect width="100%" height="100%" rx="12" fill="#14181f"/>')
    print('<g fill="#3a4250"><circle cx="26" cy="26" r="6"/><circle cx="46" cy="26" r="6"/><circle cx="66" cy="26" r="6"/></g>')
    print(f'<text x="{width / 2:.0f}" y="31" text-anchor="middle" fill="#98a2b6" font-family="sans-serif" font-size="13">yufu demo</text>')
    print(f'<g font-family="{font}" font-size="14" xml:space="preserve">')
    for n, line in enumerate(lines):
        y = TOP + LINE * n
        if line.startswith("───"):
            print(f'<path d="M{LEFT} {y - 5}H{width - LEFT:.0f}" stroke="#3a4250"/>')
            continue
        colour = next((c for mark, c in COLOURS.items() if mark in line), "#d6dce8")
        for column, run in runs(line):
            text = run.strip()
            if text:
                at = column + columns(run) - columns(run.lstrip())
                print(
                    f'<text x="{LEFT + at * CELL:.1f}" y="{y}" fill="{colour}" '
                    f'textLength="{columns(text) * CELL:.1f}" lengthAdjust="spacing">{html.escape(text)}</text>'
                )
    print("</g>\n</svg>")


main()
