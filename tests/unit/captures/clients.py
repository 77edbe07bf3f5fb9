#!/usr/bin/env python3
# clients.py WHAT ADDRESS DOMAIN: sessions of Python's smtplib, for record.
import smtplib
import sys

what, address, domain = sys.argv[1:4]
to, other = f"suzuki@{domain}", f"sato@{domain}"
HEAD = "From: tanaka@other.example\r\nTo: %s\r\nSubject: %s\r\n"
MIME = "MIME-Version: 1.0\r\nContent-Type: text/plain; charset=%s\r\nContent-Transfer-Encoding: %s\r\n"


def message(subject, text, charset="us-ascii", encoding="7bit"):
    return ((HEAD + MIME) % (to, subject, charset, encoding)).encode() + b"\r\n" + text.encode(charset)


def plain(server):
    server.sendmail("tanaka@other.example", [to], message("plain", "one line\r\n"))


def several(server):
    for n in range(3):
        server.sendmail("tanaka@other.example", [to, other][:1 + n % 2], message(f"message {n}", "text\r\n" * n))


def dots(server):
    server.sendmail("tanaka@other.example", [to], message("dots", ".\r\n..\r\n...\r\n.x\r\n\r\n.\r\n.end"))


def eight(server):
    text = "窓口の時間は九時から五時までです。\r\n" * 20
    server.sendmail("tanaka@other.example", [to], message("8bit", text, "utf-8", "8bit"), ["BODY=8BITMIME"])


def utf8(server):
    server.sendmail("田中@例え.jp", [to, f"鈴木@{domain}"], message("utf8", "題名も本文も\r\n", "utf-8", "8bit"),
                    ["SMTPUTF8", "BODY=8BITMIME"])


def dsn(server):
    server.sendmail("tanaka@other.example", [to, other], message("dsn", "told when it is there\r\n"),
                    ["RET=HDRS", "ENVID=Q1234+2B5"], ["NOTIFY=SUCCESS,FAILURE,DELAY", f"ORCPT=rfc822;{to}"])


def refused(server):
    server.sendmail("tanaka@other.example", [f"nobody-here@{domain}", to, f"nobody-here2@{domain}"], message("two of three", "text\r\n"))


def none(server):
    try:
        server.sendmail("tanaka@other.example", [f"nobody-here@{domain}"], message("none", "text\r\n"))
    except smtplib.SMTPRecipientsRefused:
        pass
    server.sendmail("tanaka@other.example", [to], message("after it", "text\r\n"))


def small_talk(server):
    server.ehlo()
    server.noop()
    server.help()
    server.verify(to)
    server.expn("staff")
    server.mail("tanaka@other.example")
    server.rcpt(to)
    server.rset()
    server.noop()
    server.docmd("XYZZY", "what")
    server.helo("again.example")
    server.ehlo()
    plain(server)


def jis(server):
    text = "本日の会議は中止です。\r\n半角カナは使いません。\r\n" * 30
    server.sendmail("tanaka@other.example", [to], message("jis", text, "iso-2022-jp"))


def sjis(server):
    text = "表示と能力、ソース。\r\n" * 40  # second bytes of 0x5c and 0x7c
    server.sendmail("tanaka@other.example", [to], message("sjis", text, "shift_jis", "8bit"))


def eucjp(server):
    server.sendmail("tanaka@other.example", [to], message("euc", "お知らせ\r\n" * 10, "euc-jp", "8bit"))


def long_lines(server):
    server.sendmail("tanaka@other.example", [to], message("long", ("x" * 990 + "\r\n") * 4 + "y" * 3000 + "\r\n"))


def empty(server):
    server.sendmail("tanaka@other.example", [to], b"")
    server.sendmail("", [to], b"\r\n")


def auth_login(server):
    server.user, server.password = "user", "secret"
    server.ehlo()
    server.auth("LOGIN", server.auth_login, initial_response_ok=False)
    plain(server)


def auth_cram(server):
    server.user, server.password = "user", "secret"
    server.ehlo()
    server.auth("CRAM-MD5", server.auth_cram_md5)
    plain(server)


def auth_wrong(server):
    server.user, server.password = "user", "wrong"
    server.ehlo()
    try:
        server.auth("PLAIN", server.auth_plain)
    except smtplib.SMTPAuthenticationError:
        pass
    plain(server)


def aborted(server):
    server.ehlo()
    server.mail("tanaka@other.example")
    server.rcpt(to)
    server.close()


session = smtplib.SMTP(address, 25, local_hostname="client.other.example", timeout=20)
globals()[what](session)
if session.sock:
    session.quit()
