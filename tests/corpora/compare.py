"""Messages of public collections: what src/mime finds in them beside what Python's email library finds.

compare.py PROGRAM EXPLAINED FOLDER...: every file of the folders.  Differences that follow a rule of RULES are counted by it;
others must stand in EXPLAINED (file, tab, why), and those of EXPLAINED must be there.  Names: the one that Python shows must be
among those told.  Ends with a table of the collections."""
import email
import email.header
import email.policy
import os
import re
import subprocess
import sys
from collections import Counter

RULES = {
    "status": "message/delivery-status: Python makes a part of each block of fields; here it is one",
    "encoded-message": "a message or multipart that is encoded: Python reads it as it stands, here it is decoded, with a doubt",
    "base64": "Base64 that is none to the end, with a doubt: Python gives other bytes, or the text as it stands",
    "qp": "quoted-printable that is none, with a doubt",
    "uu": "uuencode as the encoding: Python decodes the part itself, here the file is a part below",
    "header-end": "a line that is no field, with a doubt: Python ends the header there",
    "type": "a type that is none, with a doubt",
    "twice": "a field that stands twice, with a doubt: Python takes the first",
    "boundary": "a boundary with a doubt: missing, empty, or of several readings",
    "spaces": "spaces at the ends of lines in quoted-printable: Python takes them away",
}
DOUBTS = {"encoding": "encoded-message", "base64-syntax": "base64", "quoted-printable-syntax": "qp", "field-syntax": "header-end",
          "type-syntax": "type", "field-twice": "twice", "boundary": "boundary"}


def unescape(text):
    plain = text.replace("\\r", "\r").replace("\\n", "\n")
    return re.sub(rb"\\([0-9a-f]{2})", lambda m: bytes([int(m[1], 16)]), plain.encode("latin-1"))


class Part:
    def __init__(self, parent, type, names=(), block=False, encoding="-"):
        self.parent, self.type, self.names, self.block, self.encoding = parent, type, list(names), block, encoding
        self.bytes, self.second, self.doubts = b"", None, []


def ours(program, path):
    out = subprocess.run([program, path], capture_output=True, timeout=120)
    if out.returncode != 0:
        raise SystemExit(f"{path}: {program}: {out.stderr.decode()}")
    parts, kinds = [], []
    for line in out.stdout.decode("utf-8").split("\n"):
        if line.startswith("+ "):
            fields = re.match(r"\+ \d+<(\d+) (\w+) (\S+) (\S+)( attachment)?( block)?(.*)$", line, re.S)
            kinds.append(fields[2])
            below_leaf = len(kinds) > 1 and (kinds[int(fields[1])] == "leaf" or parts[int(fields[1])].block)
            fields = [*fields.groups()]
            fields.insert(0, line)
            fields[3] = fields[3].split(";")[0]
            names = re.findall(r' "(.*?)"(?= "|$)', fields[7])
            parts.append(Part(int(fields[1]), fields[3], names, bool(fields[6]) or below_leaf, fields[4]))
        elif line[:2] in ("= ", "~ ", "! "):
            mark, number, rest = (line + " ").split(" ", 2)
            part, rest = parts[int(number)], rest[:-1]
            if mark == "!":
                part.doubts.append(rest)
            elif mark == "=":
                part.bytes = unescape(rest)
            else:
                part.second = unescape(rest)
    return parts


def shown_name(message):
    name = message.get_filename()
    if not name:
        return None
    try:
        pieces = email.header.decode_header(name)
        name = "".join(p if isinstance(p, str) else p.decode(c or "utf-8", "replace") for p, c in pieces)
    except (LookupError, ValueError):
        return None
    name = re.sub(r"[\x00-\x1f\x7f]+", "", re.sub(r"\s+", " ", name))
    return name.strip(" .") or None


def theirs(path):
    with open(path, "rb") as file:
        raw = re.sub(rb"\r?\n", b"\r\n", file.read())
    found, waiting = [], [(email.message_from_bytes(raw, policy=email.policy.compat32), 0)]
    while waiting:
        message, parent = waiting.pop()
        part = Part(parent, message.get_content_type())
        part.name = shown_name(message)
        number = len(found)
        found.append(part)
        payload = message.get_payload()
        if part.type.startswith("message/delivery-status"):
            part.bytes = None
        elif isinstance(payload, list):
            part.bytes = b""
            waiting += [(child, number) for child in reversed(payload)]
        else:
            part.bytes = message.get_payload(decode=True) or b""
    return found


def without_blocks(parts):
    """Parts but for files in texts, numbered anew."""
    number, kept = {}, []
    for i, part in enumerate(parts):
        if part.block:
            continue
        number[i] = len(kept)
        part.above = number.get(part.parent, 0)
        kept.append(part)
    return kept


def lines(data):
    return re.sub(rb"[ \t]+(?=\r?\n|$)", b"", data).rstrip(b"\r\n")


def differences(mine, other):
    """Rules by which they differ, and what is left to explain."""
    rules, left = Counter(), []
    doubts = {d for part in mine for d in part.doubts}
    kept = without_blocks(mine)
    if [(p.above, p.type) for p in kept] != [(p.parent, p.type) for p in other]:
        by = [DOUBTS[d] for d in sorted(doubts) if d in ("encoding", "field-syntax", "type-syntax", "field-twice", "boundary")]
        if by:
            rules[by[0]] += 1
        else:
            left.append("parts: " + " ".join(p.type for p in kept) + " / " + " ".join(p.type for p in other))
        return rules, left
    for part, there in zip(kept, other):
        if there.name and there.name not in part.names and not any("\ufffd" in n for n in (there.name, *part.names)):
            left.append(f"name {there.name!r} not in {part.names}")
        if there.bytes is None:
            rules["status"] += 1
        elif there.bytes in (part.bytes, part.second) or (not part.bytes and there.type.startswith(("multipart/", "message/"))):
            continue
        elif lines(there.bytes) == lines(part.bytes):
            rules["spaces"] += part.encoding == "qp"
            if part.encoding != "qp":
                left.append(f"line ends: {part.bytes[-20:]} / {there.bytes[-20:]}")
        elif part.encoding == "uu":
            rules["uu"] += 1
        elif set(part.doubts) & DOUBTS.keys():
            rules[DOUBTS[sorted(set(part.doubts) & DOUBTS.keys())[0]]] += 1
        else:
            left.append(f"bytes of {part.type}: {len(part.bytes)} / {len(there.bytes)}")
    return rules, left


def main(program, explained_path, *folders):
    with open(explained_path, encoding="utf-8") as file:
        explained = dict(line.rstrip("\n").split("\t") for line in file if line.strip() and not line.startswith("#"))
    seen, wrong, table, by_rule, doubted = set(), 0, [], Counter(), Counter()
    for folder in folders:
        count = Counter()
        for place, _, names in sorted(os.walk(folder)):
            for name in sorted(names):
                path = os.path.join(place, name)
                key = os.path.relpath(path, os.path.dirname(folder.rstrip("/")))
                mine, other = ours(program, path), theirs(path)
                rules, left = differences(mine, other)
                doubts = {d for part in mine for d in part.doubts}
                count["messages"] += 1
                count["ours"] += len(without_blocks(mine))
                count["blocks"] += sum(part.block for part in mine)
                count["theirs"] += len(other)
                count["names"] += sum(bool(part.names) for part in mine)
                count["ruled"] += bool(+rules)
                count["doubted"] += bool(doubts)
                by_rule += rules
                doubted.update(doubts)
                if left:
                    seen.add(key)
                    count["explained"] += 1
                    if key not in explained:
                        wrong += 1
                        print(f"{key}: " + "; ".join(left))
        table.append((os.path.basename(folder.rstrip("/")), count))
    for key in sorted(explained.keys() - seen):
        wrong += 1
        print(f"{key}: explained, but there is nothing to explain")
    print("| collection | messages | parts | files in texts | Python's parts | named | differ by a rule | by themselves | doubted |")
    print("|---|---|---|---|---|---|---|---|---|")
    for name, c in table:
        print(f"| {name} | {c['messages']} | {c['ours']} | {c['blocks']} | {c['theirs']} | {c['names']} | {c['ruled']} "
              f"| {c['explained']} | {c['doubted']} |")
    for rule, n in by_rule.most_common():
        print(f"{n:5}  {RULES[rule]}")
    print("doubts, by messages: " + ", ".join(f"{d} {n}" for d, n in doubted.most_common()))
    print(f"{wrong} differences without an explanation")
    return wrong != 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
