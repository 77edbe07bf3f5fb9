#!/usr/bin/env python3
"""Makes the files that tests/unit/unpack_files.c looks into: make.py FOLDER

Run once; its results are committed, so that the tests need none of the tools: 7z (p7zip-full), jlha
(jlha-utils), gcab, genisoimage, bsdtar (libarchive-tools).  The four RAR archives are libarchive's own
test files (of its source package: libarchive/test/*.rar.uu), given as the second argument, since nothing
free makes RAR.
What is in the files is harmless: "programs" are a few bytes that begin like one.
"""
import base64
import binascii
import bz2
import gzip
import io
import lzma
import os
import shutil
import struct
import subprocess
import sys
import tarfile
import tempfile
import zipfile
import zlib

OUT = sys.argv[1]
RARS = sys.argv[2] if len(sys.argv) > 2 else None
EXE = b"MZ\x90\0\3\0\0\0\4\0\0\0\xff\xff\0\0\xb8" + b"\0" * 43 + struct.pack("<I", 64) + b"PE\0\0L\1" + b"\0" * 58
TEXT = "本日の会議は中止です。\n".encode()
WHEN = (2026, 4, 1, 9, 0, 0)


# A ZIP that holds itself, by Russ Cox ("Zip Files All The Way Down", 2010; in Go's archive/zip tests).
QUINE = (
    "UEsDBBQAAAAIAAgDZDz59IlkSAEAALgBAAAHAAAAci9yLnppcAAlANr/UEsDBBQAAAAIAAgDZDz59IlkSAEAALgBAAAHAAAAci9y"
    "LnppcAAvAND/ACUA2v9QSwMEFAAAAAgACANkPPn0iWRIAQAAuAEAAAcAAAByL3IuemlwAC8A0P/CVI5XOQAFAPr/wlSOVzkABQD6"
    "/wAFAPr/ABQA6//CVI5XOQAFAPr/AAUA+v8AFADr/0KIIcQAABQA6/9CiCHEAAAUAOv/QoghxAAAFADr/0KIIcQAABQA6/9CiCHE"
    "AAAAAP//AAAA//8ANADL/0KIIcQAAAAA//8AAAD//wA0AMv/QughXg8AAAD//wrwZmQSYcAV3OigSL9IryqzIMCblQ3EZwRCUwYG"
    "BkAABgD5/20BAAAAAELoIV4PAAAA//8K8GZkEmHAFdzooEi/SK8qsyDAm5UNxGcEQlMGBgZAAAYA+f9tAQAAAABQSwECFAAUAAAA"
    "CAAIA2Q8+fSJZEgBAAC4AQAABwAAAAAAAAAAAAAAAAAAAAAAci9yLnppcFBLBQYAAAAAAQABADUAAABtAQAAAAA="
)


def write(name, data):
    with open(os.path.join(OUT, name), "wb") as f:
        f.write(data)


def info(name, method=zipfile.ZIP_DEFLATED):
    i = zipfile.ZipInfo(name, WHEN)
    i.compress_type = method
    return i


def make_zip(*entries, method=zipfile.ZIP_DEFLATED):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as z:
        for name, data in entries:
            z.writestr(info(name, method), data)
    return out.getvalue()


# A ZIP by hand: entries are (local name, central name or None, data); None as local name: no local.
def raw_zip(entries, flags=0, comment=b"", offset=0, repeat=1):
    local, central, n = b"", b"", 0
    for lname, cname, data in entries:
        packed = zlib.compress(data, 9)[2:-4]
        crc = zlib.crc32(data)
        at = len(local) + offset
        if lname is not None:
            local += struct.pack("<IHHHHHIIIHH", 0x04034B50, 20, flags, 8, 0, 0x5C81, crc, len(packed), len(data), len(lname), 0) + lname + packed
        else:
            at = 0x7000000
        if cname is not None:
            for k in range(repeat):
                c = cname if repeat == 1 else b"%03d-" % k + cname
                n += 1
                central += struct.pack("<IHHHHHHIIIHHHHHII", 0x02014B50, 20, 20, flags, 8, 0, 0x5C81, crc, len(packed), len(data), len(c), 0, 0, 0, 0, 0, at) + c
    end = struct.pack("<IHHHHIIH", 0x06054B50, 0, 0, n, n, len(central), len(local) + offset, len(comment)) + comment
    return local + central + end


# Entries that quote one another's headers (D. Fifield, "A better zip bomb", 2019).
def overlapping(n, kernel_size):
    squeeze = zlib.compressobj(9, zlib.DEFLATED, -15)
    kernel = squeeze.compress(b"\0" * kernel_size) + squeeze.flush()
    crc_kernel = b"\0" * kernel_size
    files = []  # from the last
    head = lambda name, crc, packed, size: struct.pack("<IHHHHHIIIHH", 0x04034B50, 20, 0, 8, 0, 0x5C81, crc, packed, size, len(name), 0) + name
    content, body = crc_kernel, kernel
    block = head(b"%03d" % (n - 1), zlib.crc32(content), len(body), len(content)) + body
    files.append((b"%03d" % (n - 1), zlib.crc32(content), len(body), len(content), len(block)))
    tail = block
    for k in range(n - 2, -1, -1):
        prev_name, prev_crc, prev_packed, prev_size, _ = files[-1]
        quoted = head(prev_name, prev_crc, prev_packed, prev_size)
        stored = b"\0" + struct.pack("<HH", len(quoted), len(quoted) ^ 0xFFFF)
        content = quoted + content
        packed = len(stored) + len(quoted) + prev_packed
        name = b"%03d" % k
        h = head(name, zlib.crc32(content), packed, len(content))
        tail = h + stored + tail
        files.append((name, zlib.crc32(content), packed, len(content), len(tail)))
    total, central = len(tail), b""
    for name, crc, packed, size, length in reversed(files):
        central += struct.pack("<IHHHHHHIIIHHHHHII", 0x02014B50, 20, 20, 0, 8, 0, 0x5C81, crc, packed, size, len(name), 0, 0, 0, 0, 0, total - length) + name
    return tail + central + struct.pack("<IHHHHIIH", 0x06054B50, 0, 0, n, n, len(central), total, 0)


# A compound file of 512-byte sectors: tree is {name: bytes or dict}.
def cfb(tree, class_id=b"\0" * 16):
    entries, streams = [], []

    def add(name, kind, data=b"", clsid=b"\0" * 16):
        entries.append([name, kind, data, clsid, -1, -1])
        return len(entries) - 1

    def fill(index, items):
        last = None
        for name, value in items.items():
            child = add(name, 1 if isinstance(value, dict) else 2, b"" if isinstance(value, dict) else value)
            if last is None:
                entries[index][4] = child
            else:
                entries[last][5] = child
            last = child
            if isinstance(value, dict):
                fill(child, value)

    add("Root Entry", 5, clsid=class_id)
    fill(0, tree)
    mini, minifat, sectors, fat = b"", [], [], []

    def place(data):
        data += b"\0" * (-len(data) % 512)
        start = len(sectors)
        for i in range(0, len(data), 512):
            sectors.append(data[i : i + 512])
            fat.append(len(sectors))
        if data:
            fat[-1] = 0xFFFFFFFE
        return start if data else 0xFFFFFFFE

    starts = {}
    for i, e in enumerate(entries):
        if e[1] != 2:
            continue
        if len(e[2]) >= 4096:
            starts[i] = place(e[2])
        elif e[2]:
            n = -(-len(e[2]) // 64)
            starts[i] = len(minifat)
            minifat += [len(minifat) + k + 1 for k in range(n - 1)] + [0xFFFFFFFE]
            mini += e[2] + b"\0" * (-len(e[2]) % 64)
    mini_start = place(mini)
    minifat_bytes = b"".join(struct.pack("<I", x) for x in minifat)
    minifat_bytes += b"\xff" * (-len(minifat_bytes) % 512)
    minifat_start = place(minifat_bytes)
    directory = b""
    none = lambda x: 0xFFFFFFFF if x < 0 else x
    for i, (name, kind, data, clsid, child, right) in enumerate(entries):
        utf16 = name.encode("utf-16-le")
        start, size = starts.get(i, 0), len(data)
        if kind == 5:
            start, size = mini_start, len(mini)
        directory += utf16 + b"\0" * (64 - len(utf16)) + struct.pack("<HBBIII", len(utf16) + 2, kind, 1, 0xFFFFFFFF, none(right), none(child)) + clsid + b"\0" * 20 + struct.pack("<III", start, size, 0)
    directory += b"\0" * (-len(directory) % 512)
    directory_start = place(directory)
    fat.append(0xFFFFFFFD)
    sectors.append(None)
    table = b"".join(struct.pack("<I", x) for x in fat)
    assert len(table) <= 512
    sectors[-1] = table + b"\xff" * (512 - len(table))
    header = bytes.fromhex("d0cf11e0a1b11ae1") + b"\0" * 16 + struct.pack("<HHHHHHIIIIIIIIII", 0x3E, 3, 0xFFFE, 9, 6, 0, 0, 0, 1, directory_start, 0, 4096, minifat_start, len(minifat_bytes) // 512, 0xFFFFFFFE, 0)
    header += struct.pack("<I", len(sectors) - 1) + b"\xff" * 432
    return header + b"".join(sectors)


def biff(*records):
    return b"".join(struct.pack("<HH", kind, len(body)) + body for kind, body in records)


BOF = (0x0809, struct.pack("<HHHHII", 0x0600, 5, 0, 0, 0, 0))


def sheet(name, hidden, kind):
    return (0x0085, struct.pack("<IBBBB", 0, hidden, kind, len(name), 0) + name)


def native(label, data):
    body = b"\2\0" + label + b"\0" + b"C:\\" + label + b"\0" + b"\0\0\3\0" + struct.pack("<I", 8) + b"C:\\tmp\\\0" + struct.pack("<I", len(data)) + data
    return struct.pack("<I", len(body)) + body


TYPES = '<?xml version="1.0"?><Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Default Extension="xml" ContentType="application/xml"/>%s</Types>'
RELS = '<?xml version="1.0"?><Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">%s</Relationships>'
DOC = '<?xml version="1.0"?><w:document xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"><w:body><w:p>%s</w:p></w:body></w:document>'
OFFICE_RELATION = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/"
VBA = cfb({"PROJECT": b"ID=1", "VBA": {"dir": b"\1" * 80, "_VBA_PROJECT": b"\xcc\x61"}})


def docx(body="<w:r><w:t>a</w:t></w:r>", types="", rels="", more=()):
    return make_zip(("[Content_Types].xml", TYPES % types), ("_rels/.rels", RELS % ""), ("word/document.xml", DOC % body), ("word/_rels/document.xml.rels", RELS % rels), *more)


def pdf(*objects, trailer=b""):
    out = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n"
    for i, o in enumerate(objects):
        out += b"%d 0 obj\n" % (i + 1) + o + b"\nendobj\n"
    return out + b"trailer << /Root 1 0 R " + trailer + b">>\n%%EOF\n"


def stream(words, data):
    packed = zlib.compress(data, 9)
    return b"<< %s /Filter /FlateDecode /Length %d >>\nstream\n" % (words, len(packed)) + packed + b"\nendstream"


def tool(args, names, result):
    with tempfile.TemporaryDirectory() as folder:
        for name, data in names:
            with open(os.path.join(folder.encode(), name if isinstance(name, bytes) else name.encode()), "wb") as f:
                f.write(data)
            os.utime(os.path.join(folder.encode(), name if isinstance(name, bytes) else name.encode()), (1775000000, 1775000000))
        subprocess.run(args, cwd=folder, check=True, stdout=subprocess.DEVNULL)
        with open(os.path.join(folder, result), "rb") as f:
            return f.read()


# Stored, with a header of level 0, as PC-98s wrote it.
def lzh(name, data):
    crc = 0
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0xA001 if crc & 1 else 0)
    head = b"-lh0-" + struct.pack("<IIIBBB", len(data), len(data), 0x5C814800, 0x20, 0, len(name)) + name + struct.pack("<H", crc)
    return bytes([len(head), sum(head) & 0xFF]) + head + data + b"\0"


def zips():
    write("plain.zip", make_zip(("memo.txt", TEXT), ("tool.exe", EXE)))
    deep = make_zip(("請求書.docm", docx(more=[("word/vbaProject.bin", VBA)])), ("予算.pdf.exe", EXE))
    for i in range(3):
        deep = make_zip(("inner%d.zip" % i, deep))
    write("deep.zip", deep)
    name = "予算表.xls".encode("cp932")
    write("cp932.zip", raw_zip([(name, name, TEXT)]))
    name = "予算表.xls".encode("euc-jp")
    write("eucjp.zip", raw_zip([(name, name, TEXT)]))
    name = "予算表.xls".encode()
    write("utf8-noflag.zip", raw_zip([(name, name, TEXT)]))
    write("utf8-flag.zip", raw_zip([(name, name, TEXT)], flags=1 << 11))
    write("names-differ.zip", raw_zip([(b"invoice.exe", b"invoice.txt", EXE)]))
    write("only-local.zip", raw_zip([(b"a.txt", b"a.txt", TEXT), (b"hidden.exe", None, EXE), (b"b.txt", b"b.txt", TEXT)]))
    write("only-central.zip", raw_zip([(b"a.txt", b"a.txt", TEXT), (None, b"ghost.exe", EXE)]))
    # What a stream finds inside of what the central directory takes for one entry's data.
    inner = raw_zip([(b"inside.exe", None, EXE)])[:-22]
    packed = zlib.compress(TEXT, 9)[2:-4]
    local = struct.pack("<IHHHHHIIIHH", 0x04034B50, 20, 0, 8, 0, 0x5C81, zlib.crc32(TEXT), len(packed), len(TEXT), 5, 0) + b"a.txt" + packed + inner
    central = struct.pack("<IHHHHHHIIIHHHHHII", 0x02014B50, 20, 20, 0, 8, 0, 0x5C81, zlib.crc32(TEXT), len(packed) + len(inner), len(TEXT), 5, 0, 0, 0, 0, 0, 0) + b"a.txt"
    write("inside.zip", local + central + struct.pack("<IHHHHIIH", 0x06054B50, 0, 0, 1, 1, len(central), len(local), 0))
    write("no-central.zip", raw_zip([(b"a.txt", b"a.txt", TEXT), (b"b.exe", b"b.exe", EXE)])[:150])
    write("behind.zip", raw_zip([(b"a.txt", b"a.txt", TEXT)]) + b"something else entirely")
    write("blank-behind.zip", raw_zip([(b"a.txt", b"a.txt", TEXT)]) + b"\r\n")
    write("two.zip", raw_zip([(b"a.txt", b"a.txt", TEXT)]) + raw_zip([(b"b.exe", b"b.exe", EXE)]))
    write("in-comment.zip", raw_zip([(b"a.txt", b"a.txt", TEXT)], comment=raw_zip([(b"b.exe", b"b.exe", EXE)])))
    write("stored-zip.zip", make_zip(("a.zip", make_zip(("b.txt", TEXT))), method=zipfile.ZIP_STORED))
    jpeg = b"\xff\xd8\xff\xe0\0\x10JFIF\0\1\1\0\0\1\0\1\0\0" + b"\0" * 100 + b"\xff\xd9"
    write("photo.jpg", jpeg + raw_zip([(b"a.exe", b"a.exe", EXE)]))
    write("report.pdf", pdf(b"<< /Type /Catalog >>") + raw_zip([(b"a.exe", b"a.exe", EXE)]))
    write("setup.exe", EXE + raw_zip([(b"a.txt", b"a.txt", TEXT)]))
    for method, name in ((zipfile.ZIP_BZIP2, "bzip2"), (zipfile.ZIP_LZMA, "lzma")):
        write(name + ".zip", make_zip(("a", EXE), method=method))
    write("deflate64.zip", tool(["7z", "a", "-mm=Deflate64", "x.zip", "a.exe"], [("a.exe", EXE)], "x.zip"))
    write("zipcrypto.zip", tool(["7z", "a", "-ptest", "x.zip", "a.txt", "b.exe"], [("a.txt", TEXT), ("b.exe", EXE)], "x.zip"))
    write("aes.zip", tool(["7z", "a", "-ptest", "-mem=AES256", "x.zip", "a.txt"], [("a.txt", TEXT)], "x.zip"))
    out = io.BytesIO()

    class Pipe:  # cannot be sought in: sizes go behind the data
        def write(self, data):
            return out.write(data)

        def flush(self):
            pass

    with zipfile.ZipFile(Pipe(), "w") as z:
        with z.open(info("a"), "w", force_zip64=True) as f:
            f.write(EXE)
    write("stream64.zip", out.getvalue())
    write("bomb.zip", make_zip(("zeros.txt", b"\0" * (8 << 20))))
    layer = make_zip(("0.bin", b"\1" * (1 << 20)))
    for i in range(3):
        layer = make_zip(*[("%x.zip" % k, layer) for k in range(8)])
        if i < 2:
            continue
    write("bomb-tree.zip", layer)
    write("overlap-same.zip", raw_zip([(b"a", b"a", b"\0" * 100000)], repeat=20))
    write("overlap-quoted.zip", overlapping(60, 100000))
    nested = make_zip(("end.txt", TEXT))
    for i in range(40):
        nested = make_zip(("n.zip", nested))
    write("nested40.zip", nested)
    write("quine.zip", base64.b64decode(QUINE))
    write("folders.zip", make_zip(*[("%d/" % i, b"") for i in range(30)], method=zipfile.ZIP_STORED))
    # Info-ZIP's other name; and an end of ZIP64 that points elsewhere than the old one.
    name = "b.exe".encode()
    extra = struct.pack("<HHBI", 0x7075, 5 + len(name), 1, zlib.crc32(b"a.txt")) + name
    plain = raw_zip([(b"a.txt", b"a.txt", EXE)])
    at = plain.index(b"PK\1\2")
    central = bytearray(plain[at:-22])
    central[30:32] = struct.pack("<H", len(extra))
    write("unicode-extra.zip", plain[:at] + bytes(central) + extra + plain[-22:-10] + struct.pack("<IIH", len(central) + len(extra), at, 0))
    one, two = raw_zip([(b"a.txt", b"a.txt", TEXT)]), raw_zip([(b"b.exe", b"b.exe", EXE)], offset=0)
    first, second = one.index(b"PK\1\2"), two.index(b"PK\1\2")
    locals_ = one[:first] + two[:second]
    central_one, central_two = one[first:-22], bytearray(two[second:-22])
    central_two[42:46] = struct.pack("<I", first)
    places = len(locals_), len(locals_) + len(central_one)
    end64 = struct.pack("<IQHHIIQQQQ", 0x06064B50, 44, 45, 45, 0, 0, 1, 1, len(central_two), places[1])
    locator = struct.pack("<IIQI", 0x07064B50, 0, places[1] + len(central_two), 1)
    old = struct.pack("<IHHHHIIH", 0x06054B50, 0, 0, 1, 1, len(central_one), places[0], 0)
    write("two-ends.zip", locals_ + central_one + bytes(central_two) + end64 + locator + old)
    write("many.zip", make_zip(*[("%d" % i, b"") for i in range(60)], method=zipfile.ZIP_STORED))
    write("kakera.tar.gz", gzip.compress(b"\0" * 3000000, 9, mtime=0))


def archives():
    members = [("memo.txt", TEXT), ("tool", EXE)]
    tar = io.BytesIO()
    with tarfile.open(fileobj=tar, mode="w", format=tarfile.USTAR_FORMAT) as t:
        for name, data in members:
            i = tarfile.TarInfo(name)
            i.size = len(data)
            t.addfile(i, io.BytesIO(data))
    tar = tar.getvalue()
    write("a.tar", tar[:4096])
    write("a.tar.gz", gzip.compress(tar, 9, mtime=0))
    write("a.tar.bz2", bz2.compress(tar))
    write("a.tar.xz", lzma.compress(tar))
    write("tool.exe.gz", gzip.compress(EXE, 9, mtime=0))
    write("a.7z", tool(["7z", "a", "x.7z", "memo.txt", "tool"], members, "x.7z"))
    write("encrypted.7z", tool(["7z", "a", "-ptest", "x.7z", "memo.txt"], members, "x.7z"))
    write("encrypted-names.7z", tool(["7z", "a", "-ptest", "-mhe=on", "x.7z", "memo.txt"], members, "x.7z"))
    write("a.lzh", tool(["jlha", "a", "x.lzh", "memo.txt", "tool"], [("memo.txt", TEXT * 40), ("tool", EXE)], "x.lzh"))
    write("cp932.lzh", lzh("予算表.exe".encode("cp932"), EXE))
    write("a.cab", tool(["gcab", "-c", "x.cab", "memo.txt", "tool"], members, "x.cab"))
    iso = tool(["genisoimage", "-quiet", "-J", "-input-charset", "utf-8", "-o", "x.iso", "予算.exe"], [("予算.exe", EXE)], "x.iso")
    udf = tool(["genisoimage", "-quiet", "-udf", "-o", "x.iso", "a.exe"], [("a.exe", EXE)], "x.iso")
    write("udf.iso.gz", gzip.compress(udf, 9, mtime=0))
    write("a.iso.gz", gzip.compress(iso, 9, mtime=0))
    write("a.cpio", tool(["bash", "-c", "printf 'memo.txt\\ntool\\n' | cpio -o -H newc --quiet >x.cpio"], members, "x.cpio"))
    bsdtar = lambda name, *options: write(name, tool(["bsdtar", *options, "--uid", "0", "--gid", "0", "-cf", "x", "memo.txt", "tool"], members, "x"))
    bsdtar("a.xar", "--format=xar")
    bsdtar("a.ar", "--format=arbsd")
    for option, name in (("--zstd", "zst"), ("--lz4", "lz4"), ("--lzip", "lz"), ("--lzma", "lzma"), ("-Z", "Z")):
        bsdtar("a.tar." + name, option)
    if RARS:
        for source, name in (("rar_encryption_data", "encrypted"), ("rar_encryption_header", "encrypted-names"), ("rar", "a"), ("rar5_stored", "a5")):
            text = open(os.path.join(RARS, "test_read_format_%s.rar.uu" % source), "rb").read().split(b"\n")
            write(name + ".rar", b"".join(binascii.a2b_uu(line) for line in text[1:] if line and line.strip() not in (b"`", b"end")))


def office():
    write("plain.docx", docx())
    write("macro.docm", docx(types='<Override PartName="/word/vbaProject.bin" ContentType="application/vnd.ms-office.vbaProject"/>', more=[("word/vbaProject.bin", VBA)]))
    write("macro-renamed.docx", docx(more=[("word/settings.bin", VBA)]))
    write("dde.docx", docx('<w:r><w:fldChar w:fldCharType="begin"/></w:r><w:r><w:instrText> DD</w:instrText></w:r><w:r><w:instrText>E</w:instrText></w:r><w:r><w:instrText xml:space="preserve">AUTO c:\\\\x.exe "/k"</w:instrText></w:r><w:r><w:fldChar w:fldCharType="end"/></w:r>'))
    write("field.docx", docx('<w:fldSimple w:instr=" PAGE "/><w:hyperlink r:id="rId1"/>', rels='<Relationship Id="rId1" Type="%shyperlink" Target="https://example.jp/" TargetMode="External"/>' % OFFICE_RELATION))
    write("template.docx", docx(rels='<Relationship Id="rId1" Type="%sattachedTemplate" Target="https://example.com/a.dotm" TargetMode="&#69;xternal"/>' % OFFICE_RELATION))
    write("object.docx", docx(more=[("word/embeddings/oleObject1.bin", cfb({"\1Ole10Native": native("請求書.pdf.js".encode("cp932"), b"WScript.Echo(1)")}))]))
    write("xlm.xlsm", make_zip(("[Content_Types].xml", TYPES % '<Override PartName="/xl/macrosheets/sheet1.xml" ContentType="application/vnd.ms-excel.macrosheet+xml"/>'), ("xl/workbook.xml", "<workbook/>"), ("xl/macrosheets/sheet1.xml", "<xm:macrosheet/>")))
    write("ddelink.xlsx", make_zip(("[Content_Types].xml", TYPES % ""), ("xl/workbook.xml", "<workbook/>"), ("xl/externalLinks/externalLink1.xml", '<externalLink><x:ddeLink ddeService="cmd" ddeTopic="/c"/></externalLink>')))
    write("encrypted.docx", cfb({"EncryptionInfo": b"\4\0\4\0\x40\0\0\0", "EncryptedPackage": b"\x11" * 4200}))
    write("not-a.docx", make_zip(("readme.txt", TEXT)))
    write("macro.doc", cfb({"WordDocument": b"\xec\xa5\xc1\0" + b"\0" * 100, "Macros": {"VBA": {"dir": b"\1" * 40, "_VBA_PROJECT": b"\xcc\x61"}}}))
    write("plain.doc", cfb({"WordDocument": b"\xec\xa5\xc1\0" + b"\0" * 5000, "1Table": b"\0" * 10}))
    write("encrypted.doc", cfb({"WordDocument": b"\xec\xa5\xc1\0\0\0\0\0\0\0\0\1" + b"\0" * 5000}))
    write("dde.doc", cfb({"WordDocument": b"\xec\xa5\xc1\0" + b"\0" * 5000 + b"\x13 DDEAUTO c:\\x\x14\x15"}))
    write("object.doc", cfb({"WordDocument": b"\xec\xa5\xc1\0" + b"\0" * 20, "ObjectPool": {"_1": {"\1Ole10Native": native(b"a.exe", EXE)}}}))
    write("plain.xls", cfb({"Workbook": biff(BOF, sheet(b"Sheet1", 0, 0), (0x000A, b""))}))
    write("xlm.xls", cfb({"Workbook": biff(BOF, sheet(b"Macro1", 2, 1), (0x000A, b""))}))
    write("encrypted.xls", cfb({"Workbook": biff(BOF, (0x002F, b"\1\0" + b"\x22" * 52), (0x0085, b"\x55" * 20))}))
    slides = struct.pack("<HHI", 0xF, 0x03E8, 24) + struct.pack("<HHI", 0xF, 0x03FF, 16) + struct.pack("<HHI", 2, 0x0400, 8) + struct.pack("<II", 1, 1)
    write("macro.ppt", cfb({"PowerPoint Document": slides}))
    write("plain.ppt", cfb({"PowerPoint Document": slides[:-4] + b"\0\0\0\0"}))
    write("encrypted.ppt", cfb({"Current User": struct.pack("<HHIII", 0, 0x0FF6, 20, 20, 0xF3D1C4DF) + b"\0" * 12, "PowerPoint Document": b"\x77" * 40}))
    books = lambda name: (0x01AE, struct.pack("<HHB", 1, len(name), 0) + name)
    write("linked.xls", cfb({"Workbook": biff(BOF, books(b"\1\1C\3folder\3book.xls"))}))
    write("dde.xls", cfb({"Workbook": biff(BOF, books(b"cmd\3/c calc"))}))
    write("pool.doc", cfb({"WordDocument": b"\xec\xa5\xc1\0" + b"\0" * 20, "ObjectPool": {}}))
    write("setup.msi", cfb({"\5SummaryInformation": b"\0" * 30}, bytes.fromhex("84100c0000000000c000000000000046")))
    attached = {"__substg1.0_37010102": EXE, "__substg1.0_3704001F": "YOSAN~1.EXE".encode("utf-16-le"), "__substg1.0_3707001F": "予算.pdf.exe".encode("utf-16-le")}
    write("mail.msg", cfb({"__properties_version1.0": b"\0" * 32, "__substg1.0_0037001F": "件名".encode("utf-16-le"), "__attach_version1.0_#00000000": attached}))
    loop = bytearray(cfb({"WordDocument": b"\xec\xa5\xc1\0" + b"\0" * 9000}))
    table = loop.rfind(b"\xfd\xff\xff\xff") // 512 * 512
    loop[table : table + 4] = struct.pack("<I", 0)  # the first sector follows itself
    entry = loop.find("WordDocument".encode("utf-16-le"))
    loop[entry + 120 : entry + 124] = struct.pack("<I", 1 << 30)
    write("loop.doc", bytes(loop))
    odt = [("mimetype", "application/vnd.oasis.opendocument.text"), ("content.xml", "<office:document-content/>")]
    manifest = '<manifest:manifest><manifest:file-entry manifest:full-path="content.xml">%s</manifest:file-entry></manifest:manifest>'
    write("plain.odt", make_zip(*odt, ("META-INF/manifest.xml", manifest % ""), method=zipfile.ZIP_STORED))
    write("basic.odt", make_zip(*odt, ("Basic/Standard/Module1.xml", '<script:module script:language="StarBasic"/>'), ("META-INF/manifest.xml", manifest % ""), method=zipfile.ZIP_STORED))
    write("encrypted.odt", make_zip(*odt, ("META-INF/manifest.xml", manifest % "<manifest:encryption-data/>"), method=zipfile.ZIP_STORED))


def documents():
    catalog = b"<< /Type /Catalog /Pages 2 0 R /OpenAction 3 0 R >>"
    write("plain.pdf", pdf(catalog, b"<< /Type /Pages >>", b"[2 0 R /Fit]"))
    write("goto.pdf", pdf(catalog, b"<< /Type /Pages >>", b"<< /S /GoTo /D [2 0 R /Fit] >>"))
    write("launch.pdf", pdf(catalog, b"<< /Type /Pages >>", b"<< /S /URI /URI (http://example.com) >>"))
    write("script.pdf", pdf(b"<< /Type /Catalog /Open#41ction << /S /J#61vaScript /J#53 (app.alert) >> >>"))
    write("objects.pdf", pdf(b"<< /Type /Catalog >>", stream(b"/Type /ObjStm /N 1 /First 4", b"3 0 << /S /JavaScript /JS (app.alert(1)) >>")))
    write("hidden.pdf", pdf(b"<< /Type /Catalog >>", b"<< /Type /ObjStm /Filter [/ASCIIHexDecode /FlateDecode] >>\nstream\n00>\nendstream"))
    write("file.pdf", pdf(b"<< /Type /Catalog >>", stream(b"/Type /EmbeddedFile", EXE)))
    write("encrypted.pdf", pdf(b"<< /Type /Catalog >>", b"<< /Type /ObjStm /Filter /FlateDecode >>\nstream\nx\x9c\xff\xff\xff\nendstream", trailer=b"/Encrypt 9 0 R "))
    write("plain.rtf", b"{\\rtf1\\ansi{\\field{\\*\\fldinst PAGE}} text}")
    package = native("a.exe".encode(), EXE)[4:]
    ole1 = struct.pack("<II", 0x501, 2) + struct.pack("<I", 8) + b"Package\0" + struct.pack("<II", 0, 0) + struct.pack("<I", len(package)) + package
    digits = ole1.hex().encode()
    digits = b"\n".join(digits[i : i + 64] for i in range(0, len(digits), 64))
    write("object.rtf", b"{\\rtf1{\\object\\objemb{\\*\\objdata " + digits[:9] + b"{\\x}" + digits[9:] + b"}}}")
    write("template.rtf", b"{\\rtf1{\\*\\template http://example.com/a.dot}}")
    write("dde.rtf", b"{\\rtf1{\\field{\\*\\fldinst {\\rtlch DDE}{\\b AUTO cmd}}}}")
    guid = bytes.fromhex("e716e3bd65261145a4c48d4d0b7a9eac")
    hta = b"<html><hta:application/><script>x</script></html>"
    write("notes.one", bytes.fromhex("e4525c7b8cd8a74daeb15378d02996d3") + b"\0" * 100 + guid + struct.pack("<QIQ", len(hta), 0, 0) + hta)
    write("plain.svg", b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"><path d="M0"/></svg>')
    write("script.svg", b'<?xml version="1.0"?><!--' + b"x" * 5000 + b'--><svg xmlns="http://www.w3.org/2000/svg"><g onload="x()"/></svg>')
    attribute = lambda level, kind, data: struct.pack("<BII", level, kind, len(data)) + data + struct.pack("<H", sum(data) & 0xFFFF)
    name = "予算.pdf.exe".encode("utf-16-le") + b"\0\0"
    properties = struct.pack("<III", 2, 0x0E200003, 5) + struct.pack("<III", 0x3707001F, 1, len(name)) + name + b"\0" * (-len(name) % 4)
    tnef = struct.pack("<IH", 0x223E9F78, 1) + attribute(1, 0x00089006, b"\0\0\1\0")
    tnef += attribute(2, 0x00069002, b"\0" * 14) + attribute(2, 0x00018010, b"YOSAN~1.EXE\0") + attribute(2, 0x0006800F, EXE) + attribute(2, 0x00069005, properties)
    tnef += attribute(2, 0x00069002, b"\0" * 14) + attribute(2, 0x00018010, "表.txt".encode("cp932") + b"\0") + attribute(2, 0x0006800F, TEXT)
    write("winmail.dat", tnef)
    write("mail.eml", b"Received: from a\r\nFrom: a@example.jp\r\nSubject: x\r\n\r\ntext\r\n")
    messages()


def messages():
    """Mail as a file: what is attached to it are entries; and documents that are a text."""
    write("blank.rtf", b" \r\n{\\rtf1{\\object\\objocx{\\*\\objdata 0105000002000000}}}")
    flat = b'<pkg:part pkg:name="/word/any.bin" pkg:contentType="application/vnd.ms-office.vbaProject"><pkg:binaryData/></pkg:part>'
    write("flat-macro.xml", b'<?xml version="1.0"?><?mso-application progid="Word.Document"?><pkg:package xmlns:pkg="http://schemas.microsoft.com/office/2006/xmlPackage"><!--' + b"x" * 5000 + b"-->" + flat + b"</pkg:package>")
    link = '<Relationships><Relationship Id="r" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/externalLinkPath" Target="file:///\\\\srv\\a.xlsx" TargetMode="External"/></Relationships>'
    write("linked-share.xlsx", make_zip(("[Content_Types].xml", b"<Types/>"), ("xl/externalLinks/_rels/externalLink1.xml.rels", link.encode())))
    header = b"From: a@example.jp\r\nTo: b@example.jp\r\nSubject: x\r\n"
    mime = b'MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary="=_b"\r\n\r\n--=_b\r\nContent-Type: text/html\r\n\r\n<html>Content-Type: none\r\n'
    part = lambda name, data: b'--=_b\r\nContent-Type: application/octet-stream; name="' + name + b'"\r\nContent-Transfer-Encoding: base64\r\n\r\n' + base64.encodebytes(data) + b"\r\n"
    whole = header + mime + part(b"a.dat", EXE) + part("=?ISO-2022-JP?B?GyRCTT07OxsoQi50eHQ=?=".encode(), TEXT) + b"--=_b--\r\n"
    write("program.eml", whole)
    write("program-lf.eml", whole.replace(b"\r\n", b"\n"))
    write("nested.eml", header + mime + part(b"inner.eml", whole) + b"--=_b--\r\n")
    # RFC 5652: lengths as they are, and left open, with the content in pieces; a signature alone; enveloped data.
    def der(tag, *inner):
        body = b"".join(inner)
        n = len(body)
        return bytes([tag]) + (bytes([n]) if n < 128 else b"\x82" + struct.pack(">H", n)) + body

    signed, data = bytes.fromhex("06092a864886f70d010702"), bytes.fromhex("06092a864886f70d010701")
    version, digests = b"\2\1\1", der(0x31, der(0x30, bytes.fromhex("0609608648016503040201")))
    entity = mime + part(b"a.dat", EXE) + b"--=_b--\r\n"
    wrap = lambda *content: der(0x30, signed, der(0xA0, der(0x30, version, digests, der(0x30, data, *content))))
    write("signed.p7m", wrap(der(0xA0, der(4, entity))))
    pieces = b"".join(der(4, entity[i : i + 100]) for i in range(0, len(entity), 100))
    write("signed-open.p7m", b"\x30\x80" + signed + b"\xa0\x80\x30\x80" + version + digests + b"\x30\x80" + data + b"\xa0\x80\x24\x80" + pieces + b"\0" * 12)
    write("signed-cut.p7m", wrap(der(0xA0, der(4, entity)))[:300])
    write("smime.p7s", wrap())
    write("enveloped.p7m", der(0x30, bytes.fromhex("06092a864886f70d010703"), der(0xA0, der(0x30, b"\2\1\0"))))
    write("partial.eml", header + b"Content-Type: message/partial; id=x; number=2; total=2\r\n\r\ntext\r\n")
    write("folder.mbox", b"From a\n" + header.replace(b"\r", b"") + b"\ntext\n\nFrom b\n" + whole.replace(b"\r", b""))
    write("mhtml.doc", b"x" * 200 + b"\r\n" + mime + part(b"a.mso", EXE) + b"--=_b--\r\n")


def lzw(data):
    """LZW as PDF has it, the width growing one code early."""
    table, bits, n, width, out = {bytes([i]): i for i in range(256)}, 0, 0, 9, b""

    def put(code):
        nonlocal bits, n, out
        bits, n = bits << width | code, n + width
        while n >= 8:
            out += bytes([bits >> (n - 8) & 255])
            n -= 8

    put(256)
    word, free = b"", 258
    for byte in data:
        more = word + bytes([byte])
        if more in table:
            word = more
            continue
        put(table[word])
        table[more] = free
        free += 1
        width = 12 if free >= 2048 else 11 if free >= 1024 else 10 if free >= 512 else 9
        word = bytes([byte])
    put(table[word])
    put(257)
    return out + (bytes([bits << (8 - n) & 255]) if n else b"")


RICH = (
    b"{\\rtf1\\ansi\\mac\\deff0\\deftab720{\\fonttbl;}{\\f0\\fnil \\froman \\fswiss \\fmodern \\fscript \\fdecor MS Sans SerifSymbolArial"
    b"Times New RomanCourier{\\colortbl\\red0\\green0\\blue0\r\n\\par \\pard\\plain\\f0\\fs20\\b\\i\\u\\tab\\tx"
)


def packed_rtf(text):
    """As Outlook packs a body (MS-OXRTFCP); what is longer than the window is packed well enough."""
    window, tokens, at = RICH, [], 0
    while at < len(text):
        base = max(0, len(window) - 4000)
        n = next((n for n in range(17, 1, -1) if len(text) - at >= n and text[at : at + n] in window[base:]), 0)
        if n:
            tokens.append(struct.pack(">H", (base + window[base:].index(text[at : at + n])) % 4096 << 4 | n - 2))
        else:
            n = 1
            tokens.append(text[at : at + 1])
        window += text[at : at + n]
        at += n
    tokens.append(struct.pack(">H", len(window) % 4096 << 4))
    groups = [tokens[i : i + 8] for i in range(0, len(tokens), 8)]
    out = b"".join(bytes([sum((len(t) > 1) << i for i, t in enumerate(g))]) + b"".join(g) for g in groups)
    return struct.pack("<II4sI", len(out) + 12, len(text), b"LZFu", binascii.crc32(out, 0xFFFFFFFF) ^ 0xFFFFFFFF) + out


def mails_of_outlook():
    """Bodies in rich text alone, as Outlook sends them: in TNEF and in its own files."""
    letters = b"".join(b"\\'%02x" % byte for byte in "これは機密の".encode("cp932"))
    font = b"{\\rtf1\\ansi\\ansicpg932\\fromtext \\deff0{\\fonttbl{\\f0\\fmodern\\fcharset128 MS PGothic;}}\\f0 "
    rich = font + letters + b"\\par " * 40 + b"\\u-28211?\\u-30335?\\u24615?\\u8544?\\par }"
    attribute = lambda level, name, data: struct.pack("<BII", level, name, len(data)) + data + struct.pack("<H", sum(data) & 0xFFFF)
    value = lambda tag, data: struct.pack("<III", tag, 1, len(data)) + data + b"\0" * (-len(data) % 4)
    subject, page = "重要性Ⅱ".encode("utf-16-le"), b"<p>top <b>sec</b>ret</p>"
    texts = (value(0x10090102, packed_rtf(rich)), value(0x0037001F, subject), value(0x10130102, page))
    tnef = struct.pack("<IH", 0x223E9F78, 1) + attribute(1, 0x00089006, b"\0\0\1\0")
    write("words.tnef", tnef + attribute(1, 0x00069003, struct.pack("<I", len(texts)) + b"".join(texts)))
    tail = attribute(1, 0x00018004, "機密".encode("cp932")) + attribute(1, 0x0002800C, b"Top secret")
    write("words-old.tnef", tnef + tail)
    unknown = struct.pack("<II4sI", 20, 8, b"LZFx", 0) + b"12345678"
    for name, body in ("words-rtf.msg", packed_rtf(rich)), ("words-unknown.msg", unknown):
        write(name, cfb({"__properties_version1.0": b"x", "__substg1.0_10090102": body}))


def rows_of(data, forms, columns):
    """As PNG's predictors make them: each row begins with its form, and holds differences."""
    out, above = b"", bytes(columns)
    for i in range(0, len(data), columns):
        row, form = data[i : i + columns].ljust(columns), forms[i // columns % len(forms)]
        left, corner = b"\0" + row[:-1], b"\0" + above[:-1]
        near = lambda a, b, c: min((abs(b - c), 0, a), (abs(a - c), 1, b), (abs(a + b - 2 * c), 2, c))[2]
        guess = {
            0: bytes(columns),
            1: left,
            2: above,
            3: bytes((a + b) // 2 for a, b in zip(left, above)),
            4: bytes(near(a, b, c) for a, b, c in zip(left, above, corner)),
        }[form]
        out += bytes([form]) + bytes((a - b) & 0xFF for a, b in zip(row, guess))
        above = row
    return out


def predicted():
    """PDF whose streams are packed as differences: of PNG in all forms, of TIFF, with LZW."""
    png = lambda data, columns: rows_of(data, (0, 1, 2, 3, 4), columns)
    up = b"/DecodeParms << /Predictor 15 /Columns %d >>"
    letters = b"1 begincodespacerange <0000> <ffff> endcodespacerange 2 beginbfchar <0001> <6a5f> <0002> <5bc6> endbfchar"
    content = b"BT /F1 12 Tf 72 700 Td <00010002> Tj ET % and so on, over some rows of these"
    page = b"<< /Type /Page /Contents [ 4 0 R 6 0 R ] /Resources << /Font << /F1 8 0 R /F2 9 0 R >> >> >>"
    font = b"<< /Type /Font /Subtype /Type0 /Encoding /Identity-H /ToUnicode 5 0 R >>"
    latin = b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>"
    held = b"8 0 9 %d " % (len(font) + 1)
    objects = stream(b"/Type /ObjStm /N 2 /First %d " % len(held) + up % 7, png(held + font + b" " + latin, 7))
    text = b"BT /F2 12 Tf (top secret) Tj ET"
    tiff = bytes((text[i] - (text[i - 1] if i % 31 else 0)) & 0xFF for i in range(len(text)))
    packed = lzw(tiff)
    second = b"<< /Filter [/LZWDecode] /DecodeParms [<< /Predictor 2 /Columns 31 >>] /Length %d >>\nstream\n" % len(packed)
    second += packed + b"\nendstream"
    file = pdf(page, b"null", objects, stream(up % 13, png(content, 13)), stream(up % 5, png(letters, 5)), second)
    write("words-predictor.pdf", file)
    script = b"10 0 << /S /JavaScript /JS (app.alert(1)) >>"
    objects = stream(b"/Type /ObjStm /N 1 /First 5 " + up % 3, png(script, 3))
    write("script-predictor.pdf", pdf(b"<< /Type /Catalog >>", objects))
    table = b"/Type /XRef /W [1 2 1] " + up % 4
    write("table-predictor.pdf", pdf(page, stream(b"/Type /ObjStm /N 1 /First 5", b"10 0 << /Type /X >>"), stream(table, png(bytes(80), 4))))


def words():
    """Documents with words in them, for tests/unit/unpack_words.c."""
    letters = b"1 begincodespacerange <0000> <ffff> endcodespacerange 1 beginbfrange <0001> <0002> [<6a5f> <5bc6>] endbfrange"
    font = b"<< /Type /Font /Subtype /Type0 /Encoding /Identity-H /ToUnicode 5 0 R /DescendantFonts [<< /Subtype /CIDFontType2 >>] >>"
    latin = b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>"
    page = b"<< /Type /Page /Contents 4 0 R /Resources << /Font << /F1 11 0 R /F2 12 0 R >> >> >>"
    title = b"<< /Title <" + b"\xfe\xff".hex().encode() + "重要性Ⅰ".encode("utf-16-be").hex().encode() + b"> >>"
    held = [(10, page), (11, font), (12, latin), (13, title)]
    head, body = b"", b""
    for number, data in held:
        head += b"%d %d " % (number, len(body))
        body += data + b" "
    objects = stream(b"/Type /ObjStm /N %d /First %d" % (len(held), len(head)), head + body)
    content = b"BT /F1 12 Tf 72 700 Td <0001> Tj 12 0 Td <0002> Tj /F2 12 Tf 0 -20 Td (1234-5678-9018) Tj ET"
    write("words.pdf", pdf(b"<< /Type /Catalog >>", b"null", objects, stream(b"", content), stream(b"", letters)))
    content = b"BT /F1 12 Tf <0001> Tj <0002> Tj ET"
    packed = base64.a85encode(zlib.compress(content)) + b"~>"
    first = b"<< /Filter [/ASCII85Decode /FlateDecode] /Length %d >>\nstream\n" % len(packed) + packed + b"\nendstream"
    packed = lzw(b"% " + bytes(range(32, 126)) * 30 + b"\nBT /F2 12 Tf (Top secret) Tj ET")
    second = b"<< /Filter /LZWDecode /Length %d >>\nstream\n" % len(packed) + packed + b"\nendstream"
    page = b"<< /Type /Page /Contents [4 0 R 6 0 R] /Resources << /Font << /F1 2 0 R /F2 3 0 R >> >> >>"
    write("words-85.pdf", pdf(page, font, latin, first, stream(b"", letters), second))
    old_words()
    mails_of_outlook()
    predicted()


def old_words():
    """Office before OOXML: Word's pieces, Excel's texts over two records, slides, a mail, a binary workbook."""
    wide = lambda text: text.encode("utf-16-le")
    one, two = wide("これは機"), b"top secret"
    head = bytearray(0x400)
    struct.pack_into("<HH", head, 0, 0xA5EC, 0xC1)
    struct.pack_into("<H", head, 0x0A, 0x0200)
    rest = wide("密です\r")
    places = (0x400, 0x400 + len(one), 0x400 + len(one) + len(two))
    pieces = struct.pack("<IIII", 0, len(one) // 2, len(one) // 2 + len(rest) // 2, len(one) // 2 + len(rest) // 2 + len(two))
    pieces += b"".join(struct.pack("<HIH", 0, fc, 0) for fc in (places[0], places[2], places[1] * 2 | 0x40000000))
    clx = b"\1" + struct.pack("<H", 3) + b"xxx" + b"\2" + struct.pack("<I", len(pieces)) + pieces
    struct.pack_into("<II", head, 0x1A2, 5, len(clx))
    document = bytes(head) + one + two + rest
    title = b"\xfe\xff\0\0" + b"\0" * 40 + "重要性Ⅱ".encode("cp932") + b"\0"
    write("words.doc", cfb({"WordDocument": document, "1Table": b"12345" + clx, "\x05SummaryInformation": title}))
    text = wide("これは機\x13 HYPERLINK \"x\" \x14密\x15です\r重要\x13 EQ \\o\\ad(\\s\\up 9(せい),性)\x15Ⅰ\r")
    one_piece = b"\2" + struct.pack("<I", 16) + struct.pack("<IIHIH", 0, len(text) // 2, 0, 0x400, 0)
    struct.pack_into("<II", head, 0x1A2, 0, len(one_piece))
    utf8 = b"\xfe\xff\0\0" + b"\0" * 40 + "機密".encode() + b"\0"
    write("words-field.doc", cfb({"WordDocument": bytes(head) + text, "1Table": one_piece, "\x05SummaryInformation": utf8}))
    write("words-95.doc", cfb({"WordDocument": b"\xdc\xa5" + b"\0" * 600 + "機密".encode("cp932")}))

    record = lambda kind, data: struct.pack("<HH", kind, len(data)) + data
    # "機密" and "公開", the first divided: its second letter begins the next record, with how wide it is.
    shared = struct.pack("<II", 2, 2) + struct.pack("<HB", 4, 1 | 8) + struct.pack("<H", 1) + wide("これ機")
    more = b"\1" + wide("密") + b"\0" * 4 + struct.pack("<HBI", 3, 4, 2) + b"top" + b"\0\0"
    rk = lambda value: struct.pack("<I", (value << 2 | 2) & 0xFFFFFFFF)
    book = record(0x809, struct.pack("<HH", 0x600, 5) + b"\0" * 12)
    book += record(0x85, struct.pack("<IBBBB", 0, 0, 0, 4, 1) + wide("重要性Ⅰ"))
    book += record(0xFC, shared) + record(0x3C, more)
    book += record(0x809, struct.pack("<HH", 0x600, 16) + b"\0" * 12)
    book += record(0x203, struct.pack("<HHHd", 0, 0, 0, 123456789018.0)) + record(0x27E, struct.pack("<HHH", 0, 1, 0) + rk(1234))
    book += record(0xBD, struct.pack("<HH", 0, 2) + (struct.pack("<H", 0) + rk(5678)) + (struct.pack("<H", 0) + rk(9018)) + struct.pack("<H", 3))
    book += record(0x1B6, b"\0" * 18) + record(0x3C, b"\1" + wide("重要性Ⅱ"))
    write("words.xls", cfb({"Workbook": book}))
    old = record(0x809, struct.pack("<HH", 0x500, 5) + b"\0" * 4) + record(0x204, struct.pack("<HHHH", 0, 0, 0, 4) + "機密".encode("cp932"))
    write("words-95.xls", cfb({"Book": old}))

    atom = lambda kind, data, version=0: struct.pack("<HHI", version, kind, len(data)) + data
    slides = atom(1000, atom(0xFA0, wide("機密")) + atom(0xFA8, b"Top secret") + atom(0xFBA, wide("重要性Ⅰ")), 15)
    write("words-comment.ppt", cfb({"PowerPoint Document": atom(5000, atom(5002, atom(0x138B, atom(12000, atom(0xFBA, wide("機密")), 15)), 15), 15)}))
    write("words.ppt", cfb({"PowerPoint Document": slides}))
    write("words.msg", cfb({"__properties_version1.0": b"x", "__substg1.0_0037001F": wide("重要性Ⅰ"), "__substg1.0_1000001E": "機密".encode("cp932"), "__substg1.0_10130102": b"<p>top <b>sec</b>ret</p>"}))

    write("words.jtd", cfb({"DocumentText": b"SsmgV.01" + b"\0" * 24 + "これは\x1c機密\x1f".encode("utf-16-be")}))
    write("words-other.bin", cfb({"Contents of another": b"x" * 100}))
    mark = bytes.fromhex("e716e3bd65261145a4c48d4d0b7a9eac")
    first = bytes.fromhex("e4525c7b8cd8a74daeb15378d02996d3")
    file = mark + struct.pack("<Q", 4) + b"\0" * 12 + b"text"
    write("words.one", first + b"\0" * 17 + wide("これは機密です") + file + b"\0Top secret\0")

    size = lambda n: bytes([n & 0x7F | (0x80 if n > 0x7F else 0)]) + (bytes([n >> 7]) if n > 0x7F else b"")
    binary = lambda kind, data: size(kind) + size(len(data)) + data
    text = lambda t: struct.pack("<I", len(t)) + wide(t)
    sheet = binary(5, b"\0" * 8 + struct.pack("<d", 123456789018.0)) + binary(6, b"\0" * 8 + text("機密"))
    names = binary(156, struct.pack("<II", 0, 1) + text("rId1") + text("重要性Ⅱ"))
    strings = binary(159, b"\0" * 8) + binary(19, b"\0" + text("重要性Ⅰ"))
    write("words.xlsb", make_zip(("[Content_Types].xml", b"<Types/>"), ("xl/workbook.bin", names), ("xl/sharedStrings.bin", strings), ("xl/worksheets/sheet1.bin", sheet)))


os.makedirs(OUT, exist_ok=True)
words()
zips()
archives()
office()
documents()
