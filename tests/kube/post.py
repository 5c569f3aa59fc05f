"""The people around: they send mails, read answers, and have a webhook."""

import http.server
import imaplib
import json
import smtplib
import ssl
import threading
import time
from email.message import EmailMessage


class Post:
    """The mail world, from outside."""

    def __init__(self, world):
        self.world = world
        self.trust = ssl.create_default_context(cafile=world["ca"])

    def send(self, to, sender, subject):
        mail = EmailMessage()
        mail["From"], mail["To"], mail["Subject"] = sender, to, subject
        mail["Message-ID"] = f"<{subject.replace(' ', '.')}.{time.time_ns()}@example.test>"
        mail.set_content("Please.\n")
        with smtplib.LMTP("127.0.0.1", self.world["lmtp"]) as lmtp:
            lmtp.send_message(mail)

    def subjects(self, user, box="INBOX"):
        """The subjects in a mailbox, in order."""
        with imaplib.IMAP4_SSL("localhost", self.world["imaps"], ssl_context=self.trust) as imap:
            imap.login(user, self.world["password"])
            answer, count = imap.select(box, readonly=True)
            if answer != "OK" or int(count[0]) == 0:
                return []
            found = imap.fetch("1:*", "(BODY.PEEK[HEADER.FIELDS (SUBJECT)])")[1]
        lines = (part[1].decode().strip() for part in found if isinstance(part, tuple))
        return sorted(line.partition(":")[2].strip() for line in lines)


class Webhook:
    """Records which mail each call was about. Answers at once; where `holds` says so, it waits for `release`."""

    def __init__(self):
        self.began, self.ended = [], []
        self.release = threading.Event()
        self.holds = lambda subject: False
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = json.loads(self.rfile.read(int(self.headers["content-length"])))
                subject = body["mail"]["subject"]
                outer.began.append(subject)
                if outer.holds(subject):
                    outer.release.wait(30)
                text = f"Did: {subject}\n".encode()
                self.send_response(200)
                self.send_header("content-type", "text/plain")
                self.send_header("content-length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)
                outer.ended.append(subject)

            def log_message(self, *_):
                pass

        class Server(http.server.ThreadingHTTPServer):
            def handle_error(self, *_):
                """Whoever was killed doesn't wait for the answer."""

        self.server = Server(("127.0.0.1", 0), Handler)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
