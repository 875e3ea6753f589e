"""What has been measured: rows, printed as they come, and again as tables."""


def number(v):
    if v is None:
        return ""
    return f"{v:.0f}" if abs(v) >= 100 else f"{v:.1f}" if abs(v) >= 10 else f"{v:.2f}"


class Report:
    """A smaller value is better in every row. The targets were set beside a peer that took `quoted` on the
    machine of that day. Where that peer is measured in this run too (`peer`), both are scaled to the machine
    of today, and judged by that. `target` is what the server's foundation was to reach, `speed` what is
    aimed at."""

    def __init__(self):
        self.rows = []
        self.group = ""

    def heading_alone(self, text):
        self.group = text
        print(f"\n{text}")

    def heading(self, text):
        self.heading_alone(text)
        print(f"{'':2}{'':<58}{'measured':>9}{'target':>9}{'speed':>9}{'peer':>8}{'ratio':>7}"
              f"{'quoted':>8}", flush=True)

    def add(self, name, value, unit, target=None, quoted=None, peer=None, note="", speed=None, scale=None,
            obstacle=""):
        """scale: of a row whose peer is measured in another row; obstacle: said where a target is missed."""
        scale = scale or (peer / quoted if peer and quoted else 1)
        limits = {"target": target and target * scale, "speed": speed and speed * scale}
        row = {"group": self.group, "name": name, "value": value, "unit": unit, "set": target, "speed_set": speed,
               "scale": scale, "peer": peer, "ratio": value / peer if peer else None, "quoted": quoted, "note": note}
        for key, limit in limits.items():
            row[key] = limit
            row[f"{key}_met"] = None if limit is None else value <= limit
        if obstacle and False in (row["target_met"], row["speed_met"]):
            row["note"] = note = "; ".join(filter(None, (note, f"in the way: {obstacle}")))
        self.rows.append(row)
        print(f"  {name:<58}{number(value):>9}{judged(row, 'target'):>9}{judged(row, 'speed'):>9}{number(peer):>8}"
              f"{ratio(row):>7}{number(quoted):>8}  {unit:<10}{note}", flush=True)

    def skip(self, name, why):
        self.rows.append(dict.fromkeys(("value", "target", "target_met", "speed", "speed_met", "peer", "ratio", "quoted"))
                         | {"group": self.group, "name": name, "unit": "", "note": why})
        print(f"  {name:<58}{'-':>9}  {why}", flush=True)

    def table(self, heading, columns, lines):
        """Figures that are no rows: lines of a name and a number for each column."""
        self.heading_alone(heading)
        self.rows.append({"group": heading, "columns": columns, "lines": lines})
        print(f"  {'':<66}" + "".join(f"{c:>8}" for c in columns))
        for name, *values in lines:
            print(f"  {name:<66}" + "".join(f"{number(v):>8}" for v in values), flush=True)

    def count(self, key):
        """(met, all) of the targets of that kind."""
        judged_rows = [r[f"{key}_met"] for r in self.rows if r.get(f"{key}_met") is not None]
        return sum(judged_rows), len(judged_rows)


def judged(row, key):
    """The limit, and `!` where it was missed."""
    return number(row[key]) + ("!" if row[f"{key}_met"] is False else " " if row[key] else "")


def ratio(row):
    return "" if row["ratio"] is None else f"x{row['ratio']:.2f}"


def cell(row, key):
    if row[key] is None:
        return ""
    if row[f"{key}_met"]:
        return f"{number(row[key])} met"
    return f"{number(row[key])} **x{row['value'] / row[key]:.2f}**"


def markdown(rows):
    """The tables as docs/PERFORMANCE.md shows them."""
    lines, group = [], None
    for r in rows:
        if "columns" in r:
            group = r["group"]
            lines += ["", f"### {group}", f"| | {' | '.join(r['columns'])} |", "|---" * (len(r["columns"]) + 1) + "|"]
            lines += [f"| {name} | {' | '.join(map(number, values))} |" for name, *values in r["lines"]]
            continue
        if r["group"] != group:
            group = r["group"]
            lines += ["", f"### {group}", "| | measured | target | speed | peer | ratio | quoted | |",
                      "|---|---|---|---|---|---|---|---|"]
        value = f"{number(r['value'])} {r['unit']}" if r["value"] is not None else "-"
        cells = [r["name"], value, cell(r, "target"), cell(r, "speed"), number(r["peer"]), ratio(r),
                 number(r["quoted"]), r["note"]]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines[1:]) + "\n"
