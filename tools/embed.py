#!/usr/bin/python3
"""embed.py OUT.c DEPFILE DIST FALLBACK: the files of DIST as C, for src/web/assets.h.

Where there is no DIST (nobody ran npm) those of FALLBACK are taken. Each file is there as it is and,
where that is shorter, compressed by gzip; its ETag is a hash of its content.
"""
import gzip
import hashlib
import re
import sys
from pathlib import Path

TYPES = {".html": "text/html; charset=utf-8", ".js": "text/javascript; charset=utf-8",
         ".mjs": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8",
         ".json": "application/json", ".webmanifest": "application/manifest+json",
         ".svg": "image/svg+xml", ".png": "image/png", ".ico": "image/x-icon", ".webp": "image/webp",
         ".woff2": "font/woff2", ".wav": "audio/wav", ".mp3": "audio/mpeg", ".ogg": "audio/ogg",
         ".wasm": "application/wasm", ".txt": "text/plain; charset=utf-8"}
FILE_MAX = 8 << 20
HASHED = re.compile(r"-[A-Z0-9]{8}\.[a-z0-9]+$")  # as esbuild names what may be kept for ever


def array(name, data):
    lines = [",".join(map(str, data[i:i + 32])) for i in range(0, len(data), 32)]
    return f"static const uint8_t {name}[] = {{\n" + ",\n".join(lines or ["0"]) + "};\n"


def quoted(text):
    if not re.fullmatch(r"[ -~]+", text) or '"' in text or "\\" in text:
        sys.exit(f"embed.py: {text!r}: no such name, please")
    return f'"{text}"'


def embed(folder, files):
    data, rows = [], []
    for i, path in enumerate(files):
        raw = path.read_bytes()
        if len(raw) > FILE_MAX:
            sys.exit(f"embed.py: {path} is larger than {FILE_MAX} bytes")
        kind = TYPES.get(path.suffix) or sys.exit(f"embed.py: {path}: what kind of file is that?")
        packed = gzip.compress(raw, 9, mtime=0)
        url = "/" + path.relative_to(folder).as_posix()
        tag = hashlib.sha256(raw).hexdigest()[:24]
        data.append(array(f"raw{i}", raw))
        gz = f"packed{i}, {len(packed)}" if len(packed) < len(raw) else "NULL, 0"
        if len(packed) < len(raw):
            data.append(array(f"packed{i}", packed))
        rows.append(f"    {{{quoted(url)}, {quoted(kind)}, \"\\\"{tag}\\\"\", "
                    f"{'true' if HASHED.search(url) else 'false'}, raw{i}, {len(raw)}, {gz}}},\n")
    return ("/* Made by tools/embed.py. */\n#include \"web/assets.h\"\n\n" + "\n".join(data) +
            "\nconst struct web_asset web_assets[] = {\n" + "".join(rows) + "};\n" +
            f"const size_t web_asset_count = {len(rows)};\n")


def main(out, depfile, dist, fallback):
    folder = dist if (dist / "index.html").is_file() else fallback
    files = sorted(p for p in folder.rglob("*") if p.is_file() and not p.name.startswith("."))
    out.write_text(embed(folder, files))
    # The folder above changes when DIST comes or goes.
    depfile.write_text(f"{out}: " + " ".join(str(p) for p in [dist.parent, *files]) + "\n")


main(*map(Path, sys.argv[1:5]))
