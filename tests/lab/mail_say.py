#!/usr/bin/env python3
# Sends the message on stdin as it is, but for the ends of lines; prints the code and words of the last reply.
#	mail_say.py ADDRESS SENDER RECIPIENT...
# With several recipients each that is refused is printed too, as RECIPIENT=CODE.
import smtplib
import sys

address, sender, recipients = sys.argv[1], sys.argv[2], sys.argv[3:]
message = sys.stdin.buffer.read().replace(b"\n", b"\r\n")
try:
    with smtplib.SMTP(address, timeout=30) as server:
        refused = server.sendmail(sender, recipients, message)
    print(250, *(f"{who}={reply[0]}" for who, reply in refused.items()))
except smtplib.SMTPRecipientsRefused as e:
    print(*(f"{who}={code} {text.decode('ascii', 'replace')}" for who, (code, text) in e.recipients.items()))
except smtplib.SMTPResponseException as e:
    print(e.smtp_code, e.smtp_error.decode("ascii", "replace"))
