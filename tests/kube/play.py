"""Plays the rendered chart on this machine's Podman, with Dovecot and Postfix beside it, and looks whether it does what it should.

play.py PODMAN IMAGE; tests/kube/run calls it, as root.
"""

import contextlib
import json
import os
import pathlib
import shlex
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time

import yaml

from cluster import Cluster
from post import Post, Webhook

PERSON = "person@example.test"
ROOT = pathlib.Path(__file__).resolve().parents[2]
TARGET = ROOT / os.environ.get("CARGO_TARGET_DIR", "target")


def say(words):
    print(f"  {words}", flush=True)


def until(what, holds, patience=60):
    """Waits until it holds; the seconds that took."""
    began = time.monotonic()
    while not holds():
        if time.monotonic() - began > patience:
            raise AssertionError(f"not within {patience} s: {what}")
        time.sleep(0.1)
    return time.monotonic() - began


def free_port():
    with socket.socket() as each:
        each.bind(("127.0.0.1", 0))
        return each.getsockname()[1]


@contextlib.contextmanager
def mail_world():
    """Dovecot and Postfix, until the block ends."""
    with subprocess.Popen([TARGET / "debug/world"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as world:
        yield json.loads(world.stdout.readline())
        world.stdin.close()


def rendered(world, webhook, image):
    """The chart, with the values of this recipe."""
    text = (ROOT / "tests/kube/values.yaml").read_text()
    repository, _, tag = image.rpartition(":")
    for name, value in {
        "REPOSITORY": repository,
        "TAG": tag,
        "HEALTH": free_port(),
        "IMAPS": world["imaps"],
        "SUBMISSION": world["submission"],
        "WEBHOOK": webhook.port,
    }.items():
        text = text.replace(f"@{name}@", str(value))
    helm = ["helm", "template", "mailjob", ROOT / "deploy/chart", "--namespace", "mailjob", "--values", "-"]
    output = subprocess.run(helm, input=text, check=True, capture_output=True, text=True).stdout
    return [each for each in yaml.safe_load_all(output) if each]


def status_of(pid):
    lines = pathlib.Path(f"/proc/{pid}/status").read_text().splitlines()
    return {name: value.strip() for name, _, value in (line.partition(":") for line in lines)}


class Play:
    def __init__(self, cluster, post, webhook):
        self.cluster, self.post, self.webhook = cluster, post, webhook
        self.expected = []

    def send(self, subject, to="hooks@example.test"):
        self.post.send(to, PERSON, subject)
        self.expected.append(subject)

    def answered(self):
        return self.post.subjects(PERSON) == sorted(f"Re: {subject}" for subject in self.expected)

    def start(self):
        self.cluster.play()
        took = until("/readyz is green", lambda: self.cluster.probe("readiness") == 200)
        assert self.cluster.probe("liveness") == 200
        return took

    def is_confined(self):
        status = status_of(self.cluster.inspect("{{.State.Pid}}"))
        assert set(status["Uid"].split()) == {"65532"}, status["Uid"]
        assert set(status["Gid"].split()) == {"65532"}, status["Gid"]
        assert int(status["CapEff"], 16) == int(status["CapBnd"], 16) == 0, "it has capabilities"
        assert status["NoNewPrivs"] == "1", "it may gain privileges"
        mounts = pathlib.Path(f"/proc/{self.cluster.inspect('{{.State.Pid}}')}/mountinfo").read_text().splitlines()
        root = next(line.split() for line in mounts if line.split()[4] == "/")
        assert "ro" in root[5].split(","), f"the root can be written: {root}"
        seccomp = {"0": "off (this Podman was built or started without)", "2": "on"}[status["Seccomp"]]
        say(f"uid and gid 65532, no capability, no new privileges, read-only root; seccomp {seccomp}")
        say(f"idle with 2 endpoints: {int(status['VmRSS'].split()[0]) // 1024} MB resident, {status['Threads']} threads")

    def first_mail(self):
        self.send("first")
        say(f"a mail is answered in {until('the first answer', self.answered):.1f} s")
        until("it lies in Processed", lambda: self.post.subjects("hooks@example.test", "Processed") == ["first"])

    def endpoint_dropped_in(self):
        files = dict(self.cluster.config_maps["mailjob-endpoints"])
        files["second.toml"] = files["hooks.toml"].replace('account = "world"', 'account = "world"\nuser = "second@example.test"')
        files["second.toml"] = files["second.toml"].replace(
            'user = "second@example.test"',
            'user = "second@example.test"\nauth = { password = { file = "/etc/mailjob/secrets/world/password" } }',
        )
        # The mail is there before the endpoint.
        self.send("dropped in", to="second@example.test")
        self.cluster.change_endpoints(files)
        say(f"an endpoint put into the ConfigMap works {until('its answer', self.answered):.1f} s after the kubelet brought it")
        assert self.cluster.inspect("{{.RestartCount}}") == "0"

    def drains(self):
        self.webhook.holds = lambda subject: subject == "slow"
        self.send("slow")
        until("the slow webhook is at work", lambda: "slow" in self.webhook.began)
        began = time.monotonic()
        command = [*self.cluster.podman, "stop", "--time", str(self.cluster.grace), self.cluster.container]
        stop = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        until("/readyz says that it drains", lambda: self.cluster.probe("readiness") == 503, 10)
        assert self.cluster.probe("liveness") == 200, "the kubelet would kill it while it drains"
        assert stop.poll() is None, "it didn't wait for what runs"
        self.webhook.release.set()
        assert stop.wait() == 0
        took = time.monotonic() - began
        code = self.cluster.inspect("{{.State.ExitCode}}")
        assert code == "0", f"exit code {code}"
        assert took < self.cluster.grace, took
        assert self.webhook.ended.count("slow") == 1, "what ran was not waited for"
        say(f"SIGTERM: what ran was finished, exit 0 after {took:.1f} s of {self.cluster.grace} s")

    def restarts(self):
        self.cluster.end_pod()
        self.send("while away")
        self.start()
        until("the answers after a restart", self.answered)
        assert self.webhook.began.count("slow") == 1, "it was done again"
        say("a new pod on the same claim did what came meanwhile, and nothing twice")

    def is_killed(self):
        """As when a node dies: the pod is killed in the middle of many mails."""
        # Five calls are answered, the others are at work when it dies.
        self.webhook.release.clear()
        self.webhook.holds = lambda _: len(self.crashes()) > 5
        for number in range(20):
            self.send(f"crash {number}")
        until("some of them are at work", lambda: len(self.crashes()) >= 10)
        self.cluster.run("kill", "--signal", "KILL", self.cluster.container)
        seen = len(self.crashes())
        assert seen < 20, "it was not killed in between"
        self.webhook.holds = lambda _: False
        self.webhook.release.set()
        self.cluster.end_pod()
        self.start()
        until("all are in Processed", lambda: len(self.post.subjects("hooks@example.test", "Processed")) == 23)
        # What ran at that moment runs again; its answer may go out again, with the same Message-ID.
        again = len(self.crashes()) - 20
        wanted = {f"Re: {subject}" for subject in self.expected}
        until("every answer", lambda: set(self.post.subjects(PERSON)) == wanted)
        answers = self.post.subjects(PERSON)
        assert 0 <= again <= 8 and len(answers) - len(self.expected) <= 8, (again, answers)
        assert again > 0, "what was at work was not done again"
        say(f"killed after {seen} of 20 calls had begun: nothing was lost; the {again} that were at work ran again")

    def crashes(self):
        return [subject for subject in self.webhook.began if subject.startswith("crash")]

    def is_examined(self):
        """What deploy/README.md says of `kubectl exec`."""
        said = self.cluster.run("exec", self.cluster.container, "mailjob", "doctor", "hooks")
        say(f"mailjob doctor in the pod: exit 0, {len(said.splitlines())} lines")
        self.cluster.run("exec", self.cluster.container, "mailjob", "auth", "status")

    def leaves_a_backup(self):
        """A copy of the ledger, out of a pod without shell and tar."""
        command = [*self.cluster.podman, "exec", self.cluster.container, "mailjob", "ledger", "backup", "-"]
        copy = subprocess.run(command, check=True, capture_output=True)
        file = self.cluster.folder / "backup.db"
        file.write_bytes(copy.stdout)
        with contextlib.closing(sqlite3.connect(file)) as ledger:
            assert ledger.execute("PRAGMA integrity_check").fetchone() == ("ok",)
            jobs = ledger.execute("SELECT count(*) FROM job").fetchone()[0]
        assert jobs >= len(self.expected), f"{jobs} jobs in the copy"
        say(f"mailjob ledger backup - wrote {len(copy.stdout) // 1000} KB, sound, with {jobs} jobs")

    def second_is_refused(self):
        """What no StatefulSet does: a second pod on the same claim."""
        claim = self.cluster.claims[0]["metadata"]["name"]
        folder = self.cluster.folder
        image = self.cluster.spec["containers"][0]["image"]
        volumes = [
            f"--volume={claim}:/var/lib/mailjob",
            f"--volume={folder}/config:/etc/mailjob/config:ro",
            f"--volume={folder}/endpoints:/etc/mailjob/endpoints.d:ro",
            f"--volume={folder}/key:/etc/mailjob/key:ro",
            f"--volume={folder}/secret-0:/etc/mailjob/secrets/world:ro",
        ]
        env = [f"--env={each['name']}={each['value']}" for each in self.cluster.spec["containers"][0]["env"]]
        command = [*self.cluster.podman, "run", "--rm", "--network=none", "--read-only", *volumes, *env, image, "run"]
        second = subprocess.run(command, capture_output=True, text=True)
        assert second.returncode == 74, f"{second.returncode}: {second.stdout}{second.stderr}"
        assert "mailjob.db is in use by" in second.stdout + second.stderr, second.stdout + second.stderr
        assert self.cluster.probe("readiness") == 200
        say("a second pod on the same claim ends with 74 and says who has the ledger")


def main():
    podman, image = shlex.split(sys.argv[1]), sys.argv[2]
    with mail_world() as world, tempfile.TemporaryDirectory(prefix="mailjob-kube-") as folder:
        folder = pathlib.Path(folder)
        folder.chmod(0o755)
        webhook, post = Webhook(), Post(world)
        key = subprocess.run(["openssl", "rand", "-base64", "32"], check=True, capture_output=True, text=True).stdout
        secrets = {
            "mailjob-key": {"key": key},
            "world": {"password": world["password"], "ca.pem": pathlib.Path(world["ca"]).read_text()},
        }
        cluster = Cluster(podman, rendered(world, webhook, image), secrets, folder)
        play = Play(cluster, post, webhook)
        try:
            cluster.claim()
            say(f"probes green {play.start():.1f} s after the pod, though one mailbox is dead")
            play.is_confined()
            play.first_mail()
            play.is_examined()
            play.leaves_a_backup()
            play.endpoint_dropped_in()
            play.second_is_refused()
            play.drains()
            play.restarts()
            play.is_killed()
        except BaseException:
            logs = subprocess.run([*podman, "logs", "--tail", "60", cluster.container], capture_output=True, text=True)
            print(f"{logs.stdout}{logs.stderr}\nwebhook: {webhook.began}", file=sys.stderr)
            raise
        finally:
            for what in [["pod", "rm", "--force", "--time", "2", cluster.name], ["volume", "rm", "--force", cluster.claims[0]["metadata"]["name"]]]:
                subprocess.run([*podman, *what], capture_output=True)


main()
