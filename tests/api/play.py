"""Starts Mailjob with a mail world beside it, gives it some mails, and has schemathesis ask its API, without and with a token."""

import contextlib
import json
import os
import pathlib
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[2]
TARGET = ROOT / os.environ.get("CARGO_TARGET_DIR", "target")
sys.path.insert(0, str(ROOT / "tests/kube"))

from post import Post  # noqa: E402

TOKEN = "a-token-for-schemathesis-0123456789"
# The same cases each time, and no more than fit the time that tests have.
OPTIONS = ["--seed", "1", "--max-response-time", "10", "--max-examples", "12"]

ACCOUNT = """
[accounts.world]
user = "hooks@example.test"
password = {{ file = "password" }}
ca_file = "{ca}"
imap = {{ host = "localhost", port = {imaps} }}
smtp = {{ host = "localhost", port = {submission}, tls = "starttls" }}
"""
ENDPOINT = """
description = "{description}"
[mailbox]
account = "world"
auth = {{ password = {{ file = "../password" }} }}
user = "{user}"
backlog = "process"
[command]
argv = ["/bin/sh", "-c", "{script}"]
[reply]
to = "sender"
"""


@contextlib.contextmanager
def running(command, **more):
    """A program, until the block ends."""
    with subprocess.Popen(command, **more) as program:
        try:
            yield program
        finally:
            if program.poll() is None:
                program.send_signal(signal.SIGTERM)


def ask(url, token=None):
    request = urllib.request.Request(url, headers={"Authorization": f"Bearer {token}"} if token else {})
    with urllib.request.urlopen(request, timeout=10) as answer:
        return answer.read()


def until(what, holds, patience=60):
    began = time.monotonic()
    while True:
        with contextlib.suppress(OSError):
            if holds():
                return
        if time.monotonic() - began > patience:
            raise SystemExit(f"not within {patience} s: {what}")
        time.sleep(0.1)


def free_port():
    with socket.socket() as each:
        each.bind(("127.0.0.1", 0))
        return each.getsockname()[1]


def write(folder, world, port, token):
    (folder / "endpoints.d").mkdir(exist_ok=True)
    for name, value in {"password": world["password"], "token": TOKEN}.items():
        (folder / name).write_text(value)
        (folder / name).chmod(0o600)
    api = '[api]\ntoken = { file = "token" }\n' if token else ""
    config = f'[service]\nhealth = "127.0.0.1:{port}"\n{api}' + ACCOUNT.format(**world)
    (folder / "mailjob.toml").write_text(config)
    for name, script in {"done": "echo done", "failing": "echo no >&2; exit 1"}.items():
        text = ENDPOINT.format(description=f"It is {name}", user=f"{name}@example.test", script=script)
        (folder / f"endpoints.d/{name}.toml").write_text(text)
    # It names its mailbox: where nobody can read which one a file wants, it holds the mails that no other endpoint was written for.
    broken = '[mailbox]\naccount = "world"\nuser = "broken@example.test"\n[comand]\nargv = ["true"]\n'
    (folder / "endpoints.d/broken.toml").write_text(broken)


def own(folder):
    """The token of the machine, which the first start makes beside the ledger."""
    return (folder / "mailjob.token").read_text().strip()


def jobs(url, token):
    rows = json.loads(ask(f"{url}/api/v1/jobs", token))["jobs"]
    return sorted(row["state"] for row in rows)


def schemathesis(url, token, brief):
    header = ["--header", f"Authorization: Bearer {token}"]
    # With a token it is the same API: what is new is who is let in.
    phases = ["--phases", "coverage", "--max-time", "20"] if brief else ["--max-time", "45"]
    command = ["st", "--config-file", ROOT / "tests/api/schemathesis.toml", "run", f"{url}/api/v1/openapi.json"]
    began = time.monotonic()
    code = subprocess.run([*command, *header, *phases, *OPTIONS], cwd=tempfile.gettempdir(), check=False).returncode
    print(f"  {time.monotonic() - began:.0f} s", flush=True)
    return code


def play(folder, world, token):
    """Whether all was well."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    write(folder, world, port, token)
    with open(folder / "log", "a", encoding="utf-8") as log:
        mailjob = running([TARGET / "debug/mailjob", "run"], cwd=folder, stdout=log, stderr=log, env=dict(os.environ))
        with mailjob:
            until("/readyz is green", lambda: ask(f"{url}/readyz"))
            if not token:
                post = Post(world)
                for user in ["done", "failing"]:
                    for number in range(3):
                        post.send(f"{user}@example.test", "person@example.test", f"{user} {number}")
                until("the mails have jobs that ended", lambda: jobs(url, own(folder)) == ["done"] * 3 + ["failed"] * 3)
            code = schemathesis(url, TOKEN if token else own(folder), brief=token)
    text = (folder / "log").read_text()
    if code or "panicked" in text or TOKEN in text:
        print(text[-8000:])
        return False
    return True


def main():
    with (
        tempfile.TemporaryDirectory() as folder,
        running([TARGET / "debug/world"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as servers,
    ):
        world = json.loads(servers.stdout.readline())
        well = all(play(pathlib.Path(folder), world, token) for token in [False, True])
        servers.stdin.close()
    sys.exit(0 if well else 1)


main()
