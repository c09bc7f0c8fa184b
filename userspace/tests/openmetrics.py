#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Reads OpenMetrics text strictly from standard input; exit status 1, with the line, when
it is none. Knows the types that ptxctl uses, and holds it to what the parser of the older
format, which the node exporter has, takes as well."""
import re
import sys

NAME = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\[\\"n])*)"')
SUFFIX = {"gauge": ("",), "counter": ("_total",), "histogram": ("_bucket", "_sum", "_count")}
at = 0


def wrong(why):
    sys.exit(f"line {at}: {why}")


def canonical(text):
    """As Go and Python write the shortest exact form, with a .0 behind whole numbers."""
    return text == "+Inf" or text == repr(float(text))


def sample(line):
    name = NAME.match(line)
    if not name:
        wrong("no name")
    rest, labels = line[name.end():], {}
    if rest.startswith("{"):
        rest = rest[1:]
        while not rest.startswith("}"):
            label = LABEL.match(rest)
            if not label or label[1] in labels:
                wrong("a label that is none, or is there twice")
            labels[label[1]] = label[2]
            rest = rest[label.end():]
            if rest.startswith(","):
                rest = rest[1:]
                if rest.startswith("}"):
                    wrong("a comma too many")
            elif not rest.startswith("}"):
                wrong("a comma too few")
        rest = rest[1:]
    if not re.fullmatch(r" [0-9]+", rest):
        wrong(f"no value: '{rest}'")
    return name[0], labels, int(rest)


def finish(family, points):
    """A histogram's buckets, once they are all there."""
    if not family or family["type"] != "histogram":
        return
    for labels, kinds in points.items():
        buckets = kinds.get("_bucket", [])
        if not buckets or buckets[-1][0] != "+Inf":
            wrong(f"{labels}: no bucket +Inf at the end")
        if ("_sum" in kinds) != ("_count" in kinds):
            wrong(f"{labels}: _sum and _count only together")
        bounds = [float(le) for le, _ in buckets]
        counts = [count for _, count in buckets]
        if bounds != sorted(set(bounds)) or counts != sorted(counts):
            wrong(f"{labels}: buckets out of order")


def main():
    global at
    data = sys.stdin.buffer.read()
    if not data.endswith(b"# EOF\n"):
        wrong("no end")
    text = data.decode("utf-8")
    family, points, seen, names = None, {}, set(), set()
    for line in text.split("\n")[:-2]:
        at += 1
        if line.startswith("#"):
            word = re.fullmatch(r"# (TYPE|UNIT|HELP) ([a-zA-Z_:][a-zA-Z0-9_:]*) (.+)", line)
            if not word:
                wrong("a comment that describes nothing")
            if not family or family["name"] != word[2]:
                finish(family, points)
                if word[2] in names:
                    wrong(f"{word[2]} again")
                names.add(word[2])
                family, points = {"name": word[2]}, {}
            elif points or word[1] in family["said"]:
                wrong(f"{word[1]} too late, or twice")
            family.setdefault("said", set()).add(word[1])
            if word[1] == "TYPE":
                if word[3] not in SUFFIX:
                    wrong(f"the type {word[3]}")
                family["type"] = word[3]
            if word[1] == "UNIT" and not word[2].endswith("_" + word[3]):
                wrong("the unit is not in the name")
            continue
        name, labels, value = sample(line)
        if not family or family.get("said", set()) < {"TYPE", "HELP"}:
            wrong("not described")
        suffix = name[len(family["name"]):]
        if not name.startswith(family["name"]) or suffix not in SUFFIX[family["type"]]:
            wrong(f"{name} is not of {family['name']}")
        key = (name, tuple(sorted(labels.items())))
        if key in seen:
            wrong("the same twice")
        seen.add(key)
        le = labels.pop("le", None)
        if (le is not None) != (suffix == "_bucket"):
            wrong("le stands in buckets, and there only")
        if le is not None and not canonical(le):
            wrong(f"le is not canonical: {le}")
        point = points.setdefault(tuple(sorted(labels.items())), {})
        if suffix == "_bucket":
            point.setdefault(suffix, []).append((le, value))
        else:
            point[suffix] = value
    finish(family, points)


main()
