"""Sets what squawk says of each migration beside what its rehearsal found.

usage: table.py SCENARIOS SQUAWK COMPARISON.JSON

Who is right is measured against what is expected of the migration: an objection of squawk is right where it is unsafe, and
its silence where it is safe.
"""

import json
import subprocess
import sys
from pathlib import Path

# Rules of style and of good order: they say nothing of what the migration does to those who use the database, and squawk
# would be wrong about nearly every safe form if they counted. Everything else does, also that no lock_timeout is set.
STYLE = {
    "ban-char-field",
    "identifier-too-long",
    "prefer-big-int",
    "prefer-bigint-over-int",
    "prefer-bigint-over-smallint",
    "prefer-identity",
    "prefer-robust-stmts",
    "prefer-text-field",
    "prefer-timestamp-tz",
    "require-enum-value-ordering",
    "require-statement-timeout",
    "require-table-schema",
}


def objections(squawk, file):
    """The rules, but for those of style, by which squawk objects to a file; in order, each once."""
    done = subprocess.run([squawk, "--reporter", "Json", file], capture_output=True, text=True, check=False)
    if done.returncode not in (0, 1):
        sys.exit(f"squawk failed on {file}: {done.stderr.strip()}")
    rules = [violation["rule_name"] for violation in json.loads(done.stdout or "[]")]
    return sorted(set(rules) - STYLE)


def who_is_right(row, objects):
    """None where neither `safe` nor `unsafe` is expected."""
    if row["expected"] not in ("safe", "unsafe"):
        return None
    squawk = objects == (row["expected"] == "unsafe")
    pgrehearse = row["got"] == row["expected"]
    return {
        (True, True): "both",
        (True, False): "pgrehearse",
        (False, True): "squawk",
        (False, False): "neither",
    }[pgrehearse, squawk]


def print_table(rows):
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip())


def total(rows, right):
    return sum(row["right"] in right for row in rows)


def print_totals(rows):
    judged = [row for row in rows if row["right"]]
    pgrehearse, squawk = total(judged, ("both", "pgrehearse")), total(judged, ("both", "squawk"))
    print(f"pgrehearse is right about {pgrehearse} of {len(judged)} migrations, squawk about {squawk}.")
    missed = [row for row in judged if row["expected"] == "unsafe" and not row["objections"]]
    wolf = [row for row in judged if row["expected"] == "safe" and row["objections"]]
    for title, named in (
        ("squawk has nothing against, and they are unsafe", missed),
        ("squawk objects to, and they are safe", wolf),
        ("squawk is right about, and pgrehearse is not", [row for row in judged if row["right"] == "squawk"]),
    ):
        print(f"{title}: {len(named)}")
        for row in named:
            print(f"  {row['scenario']} {Path(row['migration']).name}")
    print_told_apart(judged)


def print_told_apart(rows):
    """Squawk helps whoever has both forms before him where it objects to the one and not to the other."""
    told, all_of_them = 0, 0
    for scenario in sorted({row["scenario"] for row in rows}):
        forms = [row for row in rows if row["scenario"] == scenario]
        if {row["expected"] for row in forms} == {"safe", "unsafe"}:
            all_of_them += 1
            told += all(bool(row["objections"]) == (row["expected"] == "unsafe") for row in forms)
    print(f"scenarios of which squawk tells all unsafe forms from the safe ones: {told} of {all_of_them}")


def main():
    scenarios, squawk, comparison = sys.argv[1:]
    rows = json.loads(Path(comparison).read_text())
    table = [("scenario", "migration", "expected", "got", "deciding", "squawk", "right")]
    for row in rows:
        row["objections"] = objections(squawk, Path(scenarios) / row["scenario"] / row["migration"])
        row["right"] = who_is_right(row, bool(row["objections"]))
        table.append(
            (
                row["scenario"],
                Path(row["migration"]).name,
                row["expected"] or "–",
                row["got"] or "could not run",
                row["deciding"] if len(row["deciding"]) <= 50 else row["deciding"][:49] + "…",
                ", ".join(row["objections"]) or "nothing",
                row["right"] or "–",
            )
        )
    print_table(table)
    print()
    print_totals(rows)


if __name__ == "__main__":
    main()
