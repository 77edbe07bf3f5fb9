#!/usr/bin/env python3
# Sends one message as mail programs of Japan write it; prints the code of its last reply.
#	mail_words.py ADDRESS CHARSET SUBJECT BODY [NAME OF A TEXT TO ATTACH]
import smtplib
import sys
from email.header import Header
from email.mime.multipart import MIMEMultipart
from email.mime.text import MIMEText

address, charset, subject, body = sys.argv[1:5]
message = MIMEMultipart()
message["From"], message["To"] = "a@city.example.jp", "b@other.example"
message["Subject"] = Header(subject, charset)
message.attach(MIMEText("よろしくお願いします。" if len(sys.argv) > 5 else body, "plain", charset))
if len(sys.argv) > 5:
    part = MIMEText(body, "plain", charset)
    part.add_header("Content-Disposition", "attachment", filename=("utf-8", "ja", sys.argv[5]))
    message.attach(part)
try:
    with smtplib.SMTP(address, timeout=30) as server:
        server.sendmail("a@city.example.jp", ["b@other.example"], message.as_bytes(policy=message.policy.clone(linesep="\r\n")))
    print(250)
except smtplib.SMTPResponseException as e:
    print(e.smtp_code, e.smtp_error.decode("ascii", "replace"))
