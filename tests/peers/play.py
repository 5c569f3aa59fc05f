"""Sends mails through Mailjob from each server, and counts from outside what became of them: at the webhook and in the mailbox of
whoever gets the replies."""

import argparse
import collections
import contextlib
import email
import hashlib
import http.server
import imaplib
import json
import pathlib
import random
import re
import shutil
import signal
import ssl
import subprocess
import sys
import tempfile
import threading
import time

from servers import TARGET, USER, GreenMail, Hoodiecrow, Pymap, free_port

ROUNDS = 10
# After these rounds the server starts again, as soon as everything was taken from it; it has forgotten what it held.
RESTARTS = (3, 6, 8)
PATIENCE = 300
SIZES = (0, 1, 60, 900, 4_000, 20_000, 65_536, 262_100, 262_144, 262_200, 400_000)

CONFIG = """
[service]
ledger = "mailjob.db"
health = "127.0.0.1:{health}"
[accounts.peer]
user = "{user}"
password = {{ file = "password" }}
ca_file = "{ca}"
imap = {{ host = "localhost", port = {imaps}, tls = "{tls}" }}
pop3 = {{ host = "localhost", port = {pop3s}, tls = "{tls}" }}
smtp = {{ host = "localhost", port = {submission}, tls = "starttls" }}
"""
ENDPOINT = """
[mailbox]
account = "peer"
backlog = "process"
{mailbox}
[webhook]
url = "http://127.0.0.1:{port}/"
allow_private_network = true
body = "raw"
[reply]
to = "sender"
[rates]
replies_per_recipient = false
"""


class Hook:
    """Notes the job and the body of each request."""

    def __init__(self):
        self.seen, self.lock = [], threading.Lock()
        hook = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                length = int(self.headers["content-length"])
                body = self.rfile.read(length)
                if len(body) < length:
                    # Who asked was killed in the midst of it.
                    self.close_connection = True
                    return
                with hook.lock:
                    hook.seen.append((self.headers["webhook-id"], body))
                self.send_response(200)
                self.send_header("content-type", "text/plain")
                self.send_header("content-length", "8")
                self.end_headers()
                self.wfile.write(b"received")

            def log_message(self, *_):
                pass

        class Server(http.server.ThreadingHTTPServer):
            def handle_error(self, *_):
                """Whoever was killed doesn't wait for the answer."""

        self.server = Server(("127.0.0.1", 0), Handler)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def requests(self):
        with self.lock:
            return list(self.seen)


def mail(sender, number, chance):
    size = SIZES[number % len(SIZES)]
    words = chance.randbytes(size // 2 + 1).hex()[:size]
    lines = [("." if chance.random() < 0.1 else "") + words[at : at + 70] for at in range(0, len(words), 70)]
    body = "".join(f"{line}\r\n" for line in lines).encode()
    head = (
        f"From: Sender <{sender}>\r\nTo: {USER}\r\nSubject: Mail {number}\r\nMessage-ID: <{number}.{sender}>\r\n"
        f"Date: Sun, 29 Nov 2026 10:00:00 +0000\r\nX-Number: {number}\r\n\r\n"
    )
    return head.encode() + body


def number_of(raw):
    found = re.search(rb"^X-Number: (\d+)\r?$", raw.split(b"\r\n\r\n")[0], re.MULTILINE)
    return int(found[1]) if found else None


def body_of(raw):
    return hashlib.sha256(raw.partition(b"\r\n\r\n")[2]).hexdigest()


class Replies:
    """The mailbox of whoever gets them."""

    def __init__(self, place, user):
        self.place, self.user = place, user
        self.context = ssl.create_default_context(cafile=place["ca"])

    @contextlib.contextmanager
    def opened(self):
        with imaplib.IMAP4_SSL("localhost", self.place["imaps"], ssl_context=self.context, timeout=60) as session:
            session.login(self.user, self.place["password"])
            _, [count] = session.select("INBOX", readonly=True)
            yield session, int(count)

    def count(self):
        with self.opened() as (_, count):
            return count

    def ids(self):
        """The Message-IDs that answer each mail."""
        found = collections.defaultdict(set)
        with self.opened() as (session, count):
            parts = session.fetch("1:*", "(BODY.PEEK[HEADER])")[1] if count else []
        for part in parts:
            if isinstance(part, tuple):
                reply = email.message_from_bytes(part[1])
                found[reply["In-Reply-To"]].add(reply["Message-ID"])
        return found


class Late(Exception):
    pass


def until(what, holds):
    began = time.monotonic()
    while True:
        with contextlib.suppress(OSError, imaplib.IMAP4.error):
            if holds():
                return
        if time.monotonic() - began > PATIENCE:
            raise Late(what)
        time.sleep(0.2)


class Mailjob:
    def __init__(self, peer, place, folder, port, protocol):
        (folder / "endpoints.d").mkdir()
        tls = "starttls" if getattr(peer, "starttls", False) else "implicit"
        words = {"user": USER, "health": free_port(), "imaps": peer.imaps, "pop3s": peer.pop3s, "tls": tls}
        (folder / "mailjob.toml").write_text(CONFIG.format(**(place | words)))
        mailbox = 'protocol = "pop3"\nevery = "1s"' if protocol == "pop3" else ""
        (folder / "endpoints.d/peer.toml").write_text(ENDPOINT.format(mailbox=mailbox, port=port))
        (folder / "password").write_text(place["password"])
        (folder / "password").chmod(0o600)
        self.folder, self.program = folder, None

    def command(self, *words):
        options = ["--endpoints", self.folder / "endpoints.d", "--config", self.folder / "mailjob.toml"]
        return [TARGET / "debug/mailjob", *words, *options]

    def start(self):
        with open(self.folder / "mailjob.log", "ab") as log:
            self.program = subprocess.Popen(self.command("run"), stdout=log, stderr=log, cwd=self.folder)

    def kill(self, how=signal.SIGKILL):
        self.program.send_signal(how)
        self.program.wait()


def play(peer, protocol, place, folder, mails, seed):
    """One server: what was lost, done twice, handed on wrong, and left in its mailbox."""
    chance, hook = random.Random(seed), Hook()
    sender = f"sender-{seed}@example.test"
    sent = [mail(sender, number, chance) for number in range(mails)]
    answered = Replies(place, sender)
    peer.start()
    mailjob = Mailjob(peer, place, folder, hook.port, protocol)
    mailjob.start()
    numbers = lambda: {number_of(body) for _, body in hook.requests()}  # noqa: E731
    late, done = None, 0
    try:
        for round_ in range(1, ROUNDS + 1):
            upto = mails * round_ // ROUNDS
            peer.deliver(sent[done:upto])
            done = upto
            for _ in range(2):
                time.sleep(chance.random() * 1.5)
                mailjob.kill()
                mailjob.start()
            if round_ in RESTARTS:
                until(f"all {done} mails at the webhook", lambda: numbers() >= set(range(done)))
                peer.stop()
                peer.start()
        until(f"all {mails} mails at the webhook", lambda: numbers() >= set(range(mails)))
        until("an empty mailbox", lambda: peer.waiting() == 0)
        until("all replies", lambda: answered.count() >= mails)
    except Late as what:
        late = str(what)
    finally:
        mailjob.kill(signal.SIGTERM)
    doctor = subprocess.run(mailjob.command("doctor"), capture_output=True, text=True, cwd=folder)
    (folder / "doctor.txt").write_text(doctor.stdout + doctor.stderr)
    try:
        left = peer.waiting()
    except OSError:
        left = -1
    jobs, wrong = collections.defaultdict(set), 0
    for job, body in hook.requests():
        number = number_of(body)
        jobs[number].add(job)
        wrong += number is None or body_of(body) != body_of(sent[number])
    replies = answered.ids()
    every = range(mails)
    return {
        "lost": sum(number not in jobs for number in every) + sum(f"<{number}.{sender}>" not in replies for number in every),
        "twice": sum(len(ids) > 1 for ids in jobs.values()) + sum(len(ids) > 1 for ids in replies.values()),
        "wrong": wrong,
        "left": left,
        "doctor": doctor.returncode,
        "late": late,
    }


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--mails", type=int, default=500)
    options.add_argument("names", nargs="*", help="those whose name begins so; all of them if none is named")
    options = options.parse_args()
    cases = [
        ("greenmail-2.1.3-imap", "imap", lambda *at: GreenMail("2.1.3", *at)),
        ("greenmail-2.1.8-imap", "imap", lambda *at: GreenMail("2.1.8", *at)),
        ("greenmail-2.1.3-pop3", "pop3", lambda *at: GreenMail("2.1.3", *at)),
        ("greenmail-2.1.8-pop3", "pop3", lambda *at: GreenMail("2.1.8", *at)),
        ("hoodiecrow-imap", "imap", Hoodiecrow),
        ("pymap-imap", "imap", Pymap),
    ]
    chosen = [case for case in cases if not options.names or case[0].startswith(tuple(options.names))]
    bad = False
    world = subprocess.Popen([TARGET / "debug/world"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        place = json.loads(world.stdout.readline())
        print(f"{'server':24}{'mails':>7}{'lost':>6}{'twice':>7}{'wrong':>7}{'left':>6}{'doctor':>8}{'s':>6}", flush=True)
        for seed, (name, protocol, make) in enumerate(chosen, 1):
            folder, began = pathlib.Path(tempfile.mkdtemp(prefix="mailjob-peer-")), time.monotonic()
            peer = make(place, folder)
            try:
                found = play(peer, protocol, place, folder, options.mails, seed)
            finally:
                peer.stop()
            seconds = round(time.monotonic() - began)
            row = "".join(f"{found[key]:>{width}}" for key, width in [("lost", 6), ("twice", 7), ("wrong", 7), ("left", 6), ("doctor", 8)])
            well = not any(found.values())
            print(f"{name:24}{options.mails:>7}{row}{seconds:>6}" + ("" if well else f"  see {folder}: {found['late']}"), flush=True)
            if well:
                shutil.rmtree(folder)
            bad = bad or not well
    finally:
        world.stdin.close()
        world.wait()
    sys.exit(bad)


main()
