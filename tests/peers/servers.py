"""Mail servers of other makes, each with one mailbox, TLS and nothing on disk: what they hold is gone when they are started again."""

import contextlib
import imaplib
import os
import pathlib
import socket
import ssl
import subprocess
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
TARGET = ROOT / os.environ.get("CARGO_TARGET_DIR", "target")
PEERS = TARGET / "tools/peers"
USER = "ada@example.test"


def free_port():
    with socket.socket() as each:
        each.bind(("127.0.0.1", 0))
        return each.getsockname()[1]


class Peer:
    """A server that can be started again at the same ports."""

    def __init__(self, place, folder):
        self.place, self.folder = place, folder
        self.imaps, self.pop3s = free_port(), free_port()
        tls = pathlib.Path(place["ca"]).parent
        self.certificate, self.key = tls / "server.pem", tls / "server.key"
        self.context = ssl.create_default_context(cafile=place["ca"])
        self.program = None

    def start(self):
        with open(self.folder / "server.log", "ab") as log:
            self.program = subprocess.Popen(self.command(), stdout=log, stderr=log, env=os.environ | self.environment())
        began = time.monotonic()
        while True:
            with contextlib.suppress(OSError, imaplib.IMAP4.error):
                self.session().logout()
                return
            if self.program.poll() is not None or time.monotonic() - began > 60:
                raise SystemExit(f"{self.name} does not start: see {self.folder}/server.log")
            time.sleep(0.1)

    def stop(self):
        if self.program:
            self.program.kill()
            self.program.wait()

    def environment(self):
        return {}

    def session(self):
        session = imaplib.IMAP4_SSL("localhost", self.imaps, ssl_context=self.context, timeout=60)
        session.login(USER, self.place["password"])
        return session

    def deliver(self, mails):
        session = self.session()
        for mail in mails:
            kind, said = session.append("INBOX", None, None, mail)
            if kind != "OK":
                raise SystemExit(f"{self.name} takes no mail: {said}")
        session.logout()

    def waiting(self):
        """How many mails lie in the INBOX."""
        session = self.session()
        _, [count] = session.select("INBOX", readonly=True)
        session.logout()
        return int(count)


class GreenMail(Peer):
    def __init__(self, version, place, folder):
        super().__init__(place, folder)
        self.version, self.name = version, f"GreenMail {version}"
        self.keys = folder / "keys.p12"
        subprocess.run(
            ["openssl", "pkcs12", "-export", "-in", self.certificate, "-inkey", self.key, "-out", self.keys]
            + ["-passout", "pass:changeit", "-name", "greenmail"],
            check=True,
        )

    def command(self):
        settings = {
            "imaps.hostname": "127.0.0.1",
            "imaps.port": self.imaps,
            "pop3s.hostname": "127.0.0.1",
            "pop3s.port": self.pop3s,
            "users": f"ada:{self.place['password']}@example.test",
            "users.login": "email",
            "tls.keystore.file": self.keys,
            "tls.keystore.password": "changeit",
        }
        options = [f"-Dgreenmail.{name}={value}" for name, value in settings.items()]
        return ["java", "-Xmx512m", *options, "-jar", PEERS / f"greenmail-standalone-{self.version}.jar"]


class Hoodiecrow(Peer):
    name = "hoodiecrow-imap 2.1.0"

    def command(self):
        script = ROOT / "tests/peers/hoodiecrow.js"
        return ["node", script, str(self.imaps), self.certificate, self.key, USER, self.place["password"]]

    def environment(self):
        return {"NODE_PATH": str(PEERS / "node_modules")}


class Pymap(Peer):
    name = "pymap 0.36.7"

    def __init__(self, place, folder):
        super().__init__(place, folder)
        self.starttls = True

    def command(self):
        options = ["--host", "127.0.0.1", "--port", str(self.imaps), "--cert", self.certificate, "--key", self.key]
        user = ["--demo-user", USER, "--demo-password", self.place["password"]]
        return [PEERS / "venv/bin/pymap", *options, "--no-service", "managesieve", "dict", *user]

    def session(self):
        session = imaplib.IMAP4("localhost", self.imaps, timeout=60)
        session.starttls(self.context)
        session.login(USER, self.place["password"])
        return session
