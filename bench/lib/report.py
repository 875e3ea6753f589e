"""What has been measured: rows, printed as they come, and again as tables."""


def number(v):
    if v is None:
        return ""
    return f"{v:.0f}" if abs(v) >= 100 else f"{v:.1f}" if abs(v) >= 10 else f"{v:.2f}"


class Report:
    """A smaller value is better in every row. The targets were set beside a peer that took `quoted` on the
    machine of that day. Where that peer is measured in this run too (`peer`), `scaled` is what the target
    is on the machine of today, and decides whether it is met."""

    def __init__(self):
        self.rows = []
        self.group = ""

    def heading(self, text):
        self.group = text
        print(f"\n{text}\n{'':2}{'':<58}{'measured':>9}{'target':>8}{'scaled':>8}{'peer':>8}{'ratio':>7}"
              f"{'quoted':>8}", flush=True)

    def add(self, name, value, unit, target=None, quoted=None, peer=None, note=""):
        scaled = target * peer / quoted if target and peer and quoted else None
        limit = scaled or target
        row = {"group": self.group, "name": name, "value": value, "unit": unit, "target": target,
               "scaled": scaled, "peer": peer, "ratio": value / peer if peer else None, "quoted": quoted,
               "met": None if limit is None else value <= limit, "note": note}
        self.rows.append(row)
        word = {None: "", True: "met", False: "NOT met"}[row["met"]]
        print(f"  {name:<58}{number(value):>9}{number(target):>8}{number(scaled):>8}{number(peer):>8}"
              f"{ratio(row):>7}{number(quoted):>8}  {unit:<10}{word:<8}{note}", flush=True)

    def skip(self, name, why):
        self.rows.append(dict.fromkeys(("value", "target", "scaled", "peer", "ratio", "quoted", "met"))
                         | {"group": self.group, "name": name, "unit": "", "note": why})
        print(f"  {name:<58}{'-':>9}  {why}", flush=True)

    def count(self, met):
        return sum(r["met"] is met for r in self.rows)


def ratio(row):
    return "" if row["ratio"] is None else f"x{row['ratio']:.2f}"


def markdown(rows):
    """The tables as docs/PERFORMANCE.md shows them."""
    lines, group = [], None
    words = {None: "", True: "yes", False: "**no**"}
    for r in rows:
        if r["group"] != group:
            group = r["group"]
            lines += ["", f"### {group}", "| | measured | target | scaled | met | peer | ratio | quoted | |",
                      "|---|---|---|---|---|---|---|---|---|"]
        value = f"{number(r['value'])} {r['unit']}" if r["value"] is not None else "-"
        cells = [r["name"], value, number(r["target"]), number(r["scaled"]), words[r["met"]],
                 number(r["peer"]), ratio(r), number(r["quoted"]), r["note"]]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines[1:]) + "\n"
