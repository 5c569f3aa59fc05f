"""Delivers a corpus to Dovecot, lets Mailjob hand it to a webhook, and compares what came with what Python's `email` reads."""

import collections
import email
import email.header
import email.policy
import email.utils
import http.server
import json
import pathlib
import re
import smtplib
import subprocess
import sys
import tempfile
import threading
import time

MAILJOB, WORLD, DATA = (pathlib.Path(argument).resolve() for argument in sys.argv[1:4])
MARK = "X-Corpus-Number"


def corpus():
    """The mails, each with its name. The data set writes every mail twice, as text and as JSON."""
    for path in sorted(DATA.glob("*/*.txt")):
        raw = path.read_bytes()
        raw = re.sub(rb"\AFrom [^\n]*\n", b"", raw)
        yield f"{path.parent.name}/{path.name}", raw.replace(b"\r\n", b"\n")


class Receiver(http.server.BaseHTTPRequestHandler):
    """A webhook that remembers each payload by the mail's number."""

    protocol_version = "HTTP/1.1"
    payloads = collections.defaultdict(dict)
    lock = threading.Lock()

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        payload = json.loads(body)
        number = next(int(value) for name, value in payload["mail"]["headers"] if name == MARK)
        with self.lock:
            self.payloads[number][self.headers["webhook-id"]] = payload["mail"]
        self.send_response(204)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


def configure(folder, world, port):
    secret = folder / "password"
    secret.write_text(world["password"])
    secret.chmod(0o600)
    (folder / "mailjob.toml").write_text(
        f"""
[accounts.corpus]
user = "corpus@example.test"
password = {{ file = "password" }}
ca_file = "{world['ca']}"
imap = {{ host = "localhost", port = {world['imaps']} }}

[service]
health = false
"""
    )
    endpoints = folder / "endpoints.d"
    endpoints.mkdir()
    (endpoints / "all.toml").write_text(
        f"""
[mailbox]
account = "corpus"
backlog = "process"

[when]
encrypted = "allow"

[webhook]
url = "http://127.0.0.1:{port}/"
allow_private_network = true
"""
    )


def deliver(world, mails):
    with smtplib.LMTP("127.0.0.1", world["lmtp"]) as lmtp:
        for number, (_, raw) in enumerate(mails):
            marked = f"{MARK}: {number}\n".encode() + raw
            lmtp.sendmail("", ["corpus@example.test"], marked.replace(b"\n", b"\r\n"))


def decoded(value):
    """A header's text as Python reads it; bytes that it can't read are U+FFFD."""
    if value is None:
        return ""
    try:
        parts = email.header.decode_header(str(value))
        text = "".join(part if isinstance(part, str) else part.decode(charset or "utf-8", "replace") for part, charset in parts)
    except (LookupError, ValueError, email.errors.HeaderParseError):
        text = str(value)
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def plain(text):
    return re.sub(r"\s+", " ", text or "").strip()


def python(raw):
    message = email.message_from_bytes(raw, policy=email.policy.compat32)

    def addresses(name):
        values = [decoded(value) for value in message.get_all(name, [])]
        return sorted(address.lower() for _, address in email.utils.getaddresses(values) if "@" in address)

    def body(kind):
        for part in message.walk():
            if part.get_content_type() == kind and not part.get_filename() and "attachment" not in str(part.get("Content-Disposition", "")):
                payload = part.get_payload(decode=True) or b""
                charset = part.get_content_charset() or "utf-8"
                try:
                    return payload.decode(charset, "replace")
                except LookupError:
                    return payload.decode("utf-8", "replace")
        return None

    try:
        date = email.utils.parsedate_to_datetime(message["Date"])
        date = time.strftime("%Y-%m-%dT%H:%M:%SZ", date.utctimetuple() if date.tzinfo else date.timetuple())
    except (TypeError, ValueError, IndexError, OverflowError):
        date = None
    files = [decoded(part.get_filename()) for part in message.walk() if part.get_filename() and not part.is_multipart()]
    return {
        "subject": plain(decoded(message["Subject"])),
        "from": addresses("From"),
        "to": addresses("To"),
        "date": date,
        "text": plain(body("text/plain")),
        "html": plain(body("text/html")),
        "files": sorted(plain(name) for name in files),
    }


def ours(mail):
    return {
        "subject": plain(mail["subject"]),
        "from": sorted(found["address"].lower() for found in mail["from"] if "@" in found["address"]),
        "to": sorted(found["address"].lower() for found in mail["to"] if "@" in found["address"]),
        "date": mail["date"] and re.sub(r"\.\d+", "", mail["date"]),
        "text": plain(mail["text"]),
        "html": plain(mail["html"]),
        "files": sorted(plain(file["name"]) for file in mail["attachments"] if file["name"]),
    }


def why(field, mine, theirs, mail, raw):
    """The kind of a difference."""
    both = f"{mine}{theirs}"
    if "\ufffd" in str(theirs) and "\ufffd" not in str(mine):
        return "bytes above 127 that Python does not read"
    if field in ("subject", "text", "html") and any(0x80 <= ord(c) < 0xA0 for c in str(theirs)):
        return "windows-1252 that calls itself ISO 8859-1 or ASCII"
    if field == "date" and mail["date_note"]:
        return f"date: {mail['date_note']}"
    if field == "date" and theirs is None:
        return "a form of date that Python does not read"
    if field == "date":
        return "a zone that Python does not know, or AM and PM"
    if field == "text" and not theirs:
        return "text that Python finds in no part"
    if field in ("text", "html") and not mine:
        return "a part that we show as a file"
    if field in ("text", "html") and theirs and theirs in mine:
        return "several parts of text, of which Python's first is here compared"
    if field == "text" and b"format=flowed" in raw.lower():
        return "lines that were folded for the way (format=flowed)"
    if field == "html" and b"filename" in raw.lower():
        return "HTML that has a name, which is here not compared"
    if field == "files":
        return "names of files"
    if field in ("from", "to"):
        return "what is no address, or is one in encoded words"
    if "\ufffd" in both:
        return "U+FFFD here"
    return "other"


def main():
    mails = list(corpus())
    print(f"{len(mails)} mails", flush=True)
    world_process = subprocess.Popen([WORLD], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    world = json.loads(world_process.stdout.readline())
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        configure(folder, world, server.server_port)
        checked = subprocess.run([MAILJOB, "check"], cwd=folder, capture_output=True, text=True)
        if checked.returncode:
            sys.exit(checked.stdout + checked.stderr)
        deliver(world, mails)
        print("delivered", flush=True)
        log = folder / "log"
        with log.open("wb") as out:
            program = subprocess.Popen([MAILJOB, "run"], cwd=folder, stdout=out, stderr=out)
            begun, before = time.monotonic(), -1
            # Until all have come, or nothing has for a minute.
            while before != len(Receiver.payloads) < len(mails):
                before = len(Receiver.payloads)
                print(f"{before} mails have come", flush=True)
                for _ in range(60):
                    time.sleep(1)
                    if len(Receiver.payloads) > before + 500:
                        break
            program.terminate()
            program.wait(60)
        jobs, after = {}, None
        while True:
            page = [MAILJOB, "jobs", "list", "--json", "--max", "1000", *(["--before", after] if after else [])]
            answer = json.loads(subprocess.run(page, cwd=folder, capture_output=True, text=True, check=True).stdout)
            for job in answer["jobs"]:
                jobs[job["id"]] = job
            after = answer.get("next")
            if not after:
                break
        text = log.read_text(errors="replace")
    world_process.stdin.close()
    world_process.wait(60)
    states = collections.Counter(job["state"] for job in jobs.values())
    twice = sum(len(ids) > 1 for ids in Receiver.payloads.values())
    panics = text.count("panicked")
    lost = len(mails) - len(jobs)
    print(f"jobs {len(jobs)} {dict(states)}; lost {lost}, twice {twice}, panics {panics}, in {time.monotonic() - begun:.0f} s")
    agree, kinds, examples = collections.Counter(), collections.Counter(), {}
    odd_subjects = odd_texts = 0
    for number, payloads in Receiver.payloads.items():
        mail = next(iter(payloads.values()))
        mine, theirs = ours(mail), python(mails[number][1])
        odd_subjects += "\ufffd" in mine["subject"]
        odd_texts += "\ufffd" in mine["text"]
        for field in mine:
            if mine[field] == theirs[field]:
                agree[field] += 1
            else:
                kind = (field, why(field, mine[field], theirs[field], mail, mails[number][1]))
                kinds[kind] += 1
                examples.setdefault(kind, []).append(mails[number][0])
    total = max(len(Receiver.payloads), 1)
    print("\nagreement with Python's email:")
    for field in ("subject", "from", "to", "date", "text", "html", "files"):
        print(f"  {field:8} {100 * agree[field] / total:6.2f} %")
    print("\ndifferences by kind:")
    for (field, kind), count in kinds.most_common():
        print(f"  {count:5} {field:8} {kind}, e.g. {', '.join(examples[field, kind][:3])}")
    print(f"\nU+FFFD in {odd_subjects} subjects and {odd_texts} texts")
    sys.exit(bool(lost or twice or panics or odd_subjects > 5 or odd_texts > 10))


main()
