#!/usr/bin/env python3
# Files that are what their names hide, made from nothing: mail_content.py DIR
import io, os, struct, sys, zipfile

folder = sys.argv[1]

def write(name, data):
    with open(os.path.join(folder, name), "wb") as file:
        file.write(data)

def zipped(*entries):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in entries:
            archive.writestr(name, data)
    return out.getvalue()

def locked(name, data):
    # The bit that says so is all that counts here.
    out = bytearray(zipped((name, data)))
    for mark, at in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
        place = out.index(mark)
        out[place + at] |= 1
    return bytes(out)

# The head of a program for Windows: MZ, and PE where it points to.
program = b"MZ" + b"\x90\0\3\0\0\0\4\0\0\0\xff\xff\0\0" + b"\0" * 44 + struct.pack("<I", 128)
program += b"\0" * (128 - len(program)) + b"PE\0\0\x4c\1\3\0" + bytes(range(256)) * 60

types = """<?xml version="1.0" encoding="UTF-8"?>
<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">
<Default Extension="xml" ContentType="application/xml"/>
<Override PartName="/word/document.xml"
 ContentType="application/vnd.ms-word.document.macroEnabled.main+xml"/></Types>"""
macro = zipped(("[Content_Types].xml", types), ("word/document.xml", "<w:document/>"),
               ("word/vbaProject.bin", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600)))
plain = zipped(("[Content_Types].xml", types.replace("ms-word.document.macroEnabled", "openxmlformats")),
               ("word/document.xml", "<w:document/>"))
pdf = (b"%PDF-1.4\n1 0 obj\n<< /Type /Catalog /Pages 2 0 R >>\nendobj\n"
       b"2 0 obj\n<< /Type /Pages /Kids [] /Count 0 >>\nendobj\n"
       + b"% " + bytes(range(128, 256)) * 200 + b"\ntrailer\n<< /Root 1 0 R >>\n%%EOF\n")

write("program", program)
write("zip3.zip", zipped(("b.zip", zipped(("c.zip", zipped(("in/setup.dat", program)))))))
write("macro.docm", macro)
write("plain.docx", plain)
write("locked.zip", locked("secret.txt", b"text " * 100))
write("plain.pdf", pdf)
write("broken.zip", zipped(("a.txt", os.urandom(20000)))[:9000])
write("large.txt", b"thirty bytes of a plain line.\n" * 8000)

# What only libarchive opens: a program in a tar, and one in a ZIP; and one that takes its time.
import random, tarfile, lzma

def tarred(name, data):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as archive:
        info = tarfile.TarInfo(name)
        info.size = len(data)
        archive.addfile(info, io.BytesIO(data))
    return out.getvalue()

write("program.tgz", tarred("in/setup.dat", program))
write("tar.zip", zipped(("b.tgz", tarred("setup.dat", program))))
write("plain.tgz", tarred("memo.txt", b"nothing of it\n" * 10))
write("words.tgz", tarred("memo.txt", "これは機密の文書です。\n".encode("cp932")))
sheet = '<?xml version="1.0"?><worksheet><sheetData><row><c><v>123456789018</v></c></row></sheetData></worksheet>'
write("numbers.tgz", tarred("a.xlsx", zipped(("[Content_Types].xml", types.replace("macroEnabled", "")),
                                             ("xl/worksheets/sheet1.xml", sheet))))
random.seed(1)
words = ["%05x" % random.randrange(1 << 20) for _ in range(2000)]
write("slow.txt.xz", lzma.compress(" ".join(random.choice(words) for _ in range(4500000)).encode(), preset=0)[:1400000])
