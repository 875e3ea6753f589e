#!/usr/bin/python3
"""src/LAYERS as build graph and as lint rule.

  layers.py sources   what there is to build, one record a line, for meson.build
  layers.py check     every #include in src/ respects LAYERS
  layers.py headers   every header compiles alone

The grammar is explained at the top of src/LAYERS. A record of `sources` is

  kind;name;layer;files;folders;parts

with kind lib, test, fuzz, bench, load, main, system-test, man, unit, completion; lists are separated by
spaces. Records of kind lib come in the order of LAYERS, so that each one's folders precede it.
"""
import os
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SRC = ROOT / "src"

# The headers by which a part is recognised; meson.build knows how to link the same names.
PARTS = {
    "openssl": r"openssl/.*",
    "ipsec-mb": r"(intel-)?ipsec-mb\.h",
    "gcrypt": r"gcrypt\.h",
    "sqlite3": r"sqlite3(ext)?\.h",
    "libcares": r"ares(_.*)?\.h",
    "wslay": r"wslay/.*",
    "inih": r"ini\.h",
    "argon2": r"argon2\.h",
    "microhttpd": r"microhttpd\.h",
    "jansson": r"jansson(_.*)?\.h",
    "seccomp": r"seccomp\.h",
    "opus": r"opus(_.*)?\.h",
    "spandsp": r"spandsp(/.*)?\.h",
    "speexdsp": r"speex/.*\.h",
    "threads": r"(pthread|threads)\.h",
}
TEST_PARTS = {"cmocka": r"cmocka.*\.h"}
SIDE_KINDS = ("test", "fuzz", "bench")  # x_test.c, x_fuzz.c, x_bench.c lie beside x.c

INCLUDE = re.compile(r'^[ \t]*#[ \t]*include(?:_next)?[ \t]*(?:"([^"\n]*)"|<([^>\n]*)>)', re.M)
BLANKED = re.compile(r"//[^\n]*|/\*.*?\*/", re.S)


class LayersError(Exception):
    """src/LAYERS itself is wrong; nothing can be built or checked."""


class Layer:
    def __init__(self, name, line, deps, parts):
        self.name = name
        self.line = line
        self.deps = deps  # the folders that it may include, all above it
        self.parts = parts  # known parts
        self.below = set()  # deps and theirs: what its tests may include

    @property
    def folder(self):
        return SRC / self.name


def read_layers(path=SRC / "LAYERS"):
    """The layers in order, name -> Layer. Raises LayersError with every mistake found."""
    layers, errors = {}, []
    for number, raw in enumerate(path.read_text().splitlines(), 1):
        text = raw.split("#", 1)[0].strip()
        if not text:
            continue
        where = f"src/LAYERS:{number}"
        name, colon, rest = (s.strip() for s in text.partition(":"))
        if not colon or not re.fullmatch(r"[a-z][a-z0-9_]*", name):
            errors.append(f"{where}: expected `folder : folders ; parts`, found `{text}`")
            continue
        if name in layers:
            errors.append(f"{where}: {name} is named twice")
            continue
        deps_text, _, parts_text = rest.partition(";")
        deps = list(layers) if deps_text.split() == ["*"] else deps_text.split()
        parts = [p.strip() for p in parts_text.split(",") if p.strip()]
        for dep in deps:
            if dep not in layers:
                errors.append(f"{where}: {name} names {dep}, which does not stand above it")
        for part in parts:
            if part not in PARTS and not part.endswith(".h"):
                errors.append(f"{where}: unknown part {part} (known: {', '.join(PARTS)}; "
                              "a new one goes into tools/layers.py and meson.build)")
        layer = Layer(name, number, [d for d in deps if d in layers], parts)
        for dep in layer.deps:
            layer.below |= {dep} | layers[dep].below
        layers[name] = layer
    if errors:
        raise LayersError("\n".join(errors))
    return layers


def files_under(folder, *suffixes):
    return sorted(p for p in folder.rglob("*") if p.suffix in suffixes and p.is_file())


def side_kind(path):
    """test, fuzz or bench for x_test.c, x_fuzz.c, x_bench.c; else None."""
    kind = path.stem.rpartition("_")[2]
    return kind if path.suffix == ".c" and "_" in path.stem and kind in SIDE_KINDS else None


def side_name(layer, path):
    """keying/zrtp/hello_test.c -> keying-zrtp-hello, the name of its test and its corpus."""
    rel = path.relative_to(layer.folder).with_suffix("").as_posix()
    return f"{layer.name}-{rel.rpartition('_')[0].replace('/', '-')}"


# --- sources ---------------------------------------------------------------------------------

def record(kind, name, layer="", files=(), deps=(), parts=()):
    rel = [f.relative_to(ROOT).as_posix() for f in files]
    for text in rel:
        if re.search(r"[\s;]", text):
            raise LayersError(f"{text}: no blanks or semicolons in file names, please")
    return ";".join([kind, name, layer, " ".join(rel), " ".join(deps), " ".join(parts)])


def layer_records(layer, present):
    own, sides, main = [], [], []
    for path in files_under(layer.folder, ".c"):
        kind = side_kind(path)
        if kind:
            sides.append(record(kind, side_name(layer, path), layer.name, [path]))
        elif layer.name == "app" and path == layer.folder / "main.c":
            # Not in the library, so that tests of app can have a main of their own.
            main.append(record("main", "sotto", layer.name, [path]))
        else:
            own.append(path)
    deps = [d for d in layer.deps if d in present]
    parts = [p for p in layer.parts if p in PARTS]
    return [record("lib", layer.name, layer.name, own, deps, parts)], main + sides


def installed_records():
    """Files that `make install` puts beside the program; each is optional."""
    for page in sorted((ROOT / "docs" / "man").glob("*.[1-8]")):
        yield record("man", page.name, files=[page])
    for unit in sorted((ROOT / "dist").glob("*.service*")):
        yield record("unit", unit.name, files=[unit])
    for shell in sorted((ROOT / "dist" / "completions").glob("*sotto*")):
        yield record("completion", shell.name, files=[shell])


def bench_records():
    """bench/x.c and bench/x/*.c: a program each, linked with all layers."""
    for path in sorted((ROOT / "bench").glob("*.c")):
        yield record("load", path.stem, files=[path])
    for folder in sorted(p.parent for p in (ROOT / "bench").glob("*/main.c")):
        yield record("load", folder.name, files=files_under(folder, ".c"))


def cmd_sources(layers):
    present = {n: l for n, l in layers.items() if l.folder.is_dir()}
    libs, rest = [], []
    for layer in present.values():
        lib, others = layer_records(layer, present)
        libs += lib
        rest += others
    for path in sorted((ROOT / "tests").glob("*_test.c")):
        rest.append(record("system-test", f"tests-{path.stem[:-len('_test')]}", "", [path]))
    rest += bench_records()
    print("\n".join(libs + rest + list(installed_records())))
    return 0


# --- check -----------------------------------------------------------------------------------

def includes_of(path):
    """(line number, quoted?, name) of every include. Comments are blanked, lines kept."""
    def blank(match):
        return re.sub(r"[^\n]", " ", match.group())
    text = BLANKED.sub(blank, path.read_text(errors="replace"))
    for match in INCLUDE.finditer(text):
        quoted = match.group(1) is not None
        number = text.count("\n", 0, match.start()) + 1
        yield number, quoted, match.group(1) if quoted else match.group(2)


def is_test_header(path):
    stem = path.stem
    return stem.startswith("test") or stem.endswith("_test") or stem in ("rig", "samples")


def check_own(layer, layers, is_side, name):
    """What is wrong with `#include "name"` in a file of this layer, or None."""
    folder, slash, _ = name.partition("/")
    if not slash:
        return f'say the folder: "{layer.name}/.../{name}"'
    if ".." in name.split("/"):
        return "no `..` in an include; paths start at src/"
    if folder not in layers:
        return f"{folder} is no layer of src/LAYERS"
    allowed = {layer.name, *(layer.below if is_side else layer.deps)}
    if folder in allowed:
        return None
    whom = "a test of " if is_side else ""
    return (f"{whom}{layer.name} may not include {folder} "
            f"(src/LAYERS:{layer.line} allows: {' '.join(sorted(allowed))})")


def check_system(layer, layers, is_side, name):
    """What is wrong with `#include <name>` in a file of this layer, or None."""
    if any(re.fullmatch(rx, name) for rx in TEST_PARTS.values()):
        return None if is_side else f"<{name}> is for tests only"
    owners = [n for n, l in layers.items() if name in l.parts]
    part = f"<{name}>" if owners else None
    for known, rx in PARTS.items():
        if re.fullmatch(rx, name):
            part = known
            owners = [n for n, l in layers.items() if known in l.parts]
    if part is None or layer.name in owners:
        return None
    # Tests may drive the parts of the layers below, and threads to provoke races.
    if is_side and (part == "threads" or layer.below & set(owners)):
        return None
    return f"{layer.name} may not use {part} (src/LAYERS names it for: {' '.join(owners) or '-'})"


def check_file(path, layer, layers):
    # A header that only tests share (testkit.h, kit_test.h, rig.h) is theirs, not the layer's.
    is_side = side_kind(path) is not None or (path.suffix == ".h" and is_test_header(path))
    for number, quoted, name in includes_of(path):
        check = check_own if quoted else check_system
        wrong = check(layer, layers, is_side, name)
        if wrong:
            yield f"{path.relative_to(ROOT)}:{number}: {wrong}"


def cmd_check(layers):
    errors, count = [], 0
    for path in files_under(SRC, ".c", ".h"):
        folder = path.relative_to(SRC).parts[0]
        if folder not in layers:
            errors.append(f"{path.relative_to(ROOT)}: {folder} is no layer of src/LAYERS")
            continue
        count += 1
        errors += check_file(path, layers[folder], layers)
    print("\n".join(errors + [f"{count} files, {len(errors)} layering errors"]))
    return 1 if errors else 0


# --- headers ---------------------------------------------------------------------------------

def compile_header(path):
    cc = os.environ.get("CC", "cc").split()
    flags = ["-std=gnu11", "-D_GNU_SOURCE", "-DNO_COMPAT_IMB_API_053", "-fsyntax-only", "-I", str(SRC), "-x", "c"]
    done = subprocess.run(cc + flags + [str(path)], capture_output=True, text=True, check=False)
    return done.stderr if done.returncode else ""


def cmd_headers(_layers):
    headers = files_under(SRC, ".h")
    failed = 0
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for path, text in zip(headers, pool.map(compile_header, headers)):
            if text:
                failed += 1
                print(f"{path.relative_to(ROOT)}: does not compile alone\n{text.rstrip()}")
    print(f"{len(headers)} headers, {failed} do not compile alone")
    return 1 if failed else 0


def main(argv):
    commands = {"sources": cmd_sources, "check": cmd_check, "headers": cmd_headers}
    if len(argv) != 2 or argv[1] not in commands:
        print(f"usage: layers.py {'|'.join(commands)}", file=sys.stderr)
        return 2
    try:
        return commands[argv[1]](read_layers())
    except LayersError as error:
        print(error, file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv))
