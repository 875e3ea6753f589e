"""docs/growth.svg: what an operation costs as users and calls become more, drawn by gnuplot."""
import re
import shutil
import subprocess

SCRIPT = """
set terminal svg size 900,380 font "sans-serif,12" background "white"
set output "{path}"
set multiplot layout 1,2
set logscale x 10
set yrange [0:*]
set grid y lc rgb "#dddddd"
set key below maxcols 2
set ylabel "us of CPU"
set style data linespoints
set pointsize 0.8
set title "A REGISTER over UDP"
set xlabel "users registered"
set xtics ("1,000" 1000, "10,000" 10000, "100,000" 100000)
set xrange [800:125000]
plot {registers}
set title "INVITE to BYE over UDP, two legs with SDES"
set xlabel "other calls up"
set xtics ("100" 100, "1,000" 1000, "5,000" 5000)
set xrange [80:6250]
plot {calls}
"""
COLOURS = ("#0060a8", "#c05000", "#7fb0d4", "#e0a880")


def curves(rows, pattern):
    """{title: [(x, us)]}, the peer's under a title of its own."""
    found = {}
    for r in rows:
        m = re.fullmatch(pattern, r["name"])
        for title, key in (("sotto", "value"), ("Kamailio", "peer")):
            if m and r[key] is not None:
                found.setdefault(f"{title}, {m[1]}", []).append((int(m[2].replace(",", "")), r[key]))
    return found


def block(found):
    """gnuplot's data blocks, and the plot command that names them."""
    text, uses = [], []
    for i, (title, points) in enumerate(sorted(found.items(), reverse=True)):
        name = "d" + re.sub(r"\W", "_", title)
        text.append(f"${name} << END\n" + "".join(f"{x} {y}\n" for x, y in points) + "END\n")
        uses.append(f'${name} title "{title}" lw 2 pt 7 lc rgb "{COLOURS[i % len(COLOURS)]}"')
    return "".join(text), ", ".join(uses)


def growth(rows, path):
    """False: there is nothing to draw, or nothing to draw it with."""
    registers = curves(rows, r"REGISTER (.*), udp, ([\d,]+) users")
    registers = {k: v for k, v in registers.items() if any(x == 100000 for x, _ in v)}
    calls = curves(rows, r"INVITE to BYE, (.*), ([\d,]+) other calls up")
    if not registers or not calls or not shutil.which("gnuplot"):
        return False
    data, lines = zip(block(registers), block(calls))
    script = "".join(data) + SCRIPT.format(path=path, registers=lines[0], calls=lines[1])
    subprocess.run(["gnuplot"], input=script, text=True, check=True)
    return True
