"""What a cluster does with the rendered chart and `podman kube play` does not.

The StatefulSet's controller names the pod and makes its claim. The kubelet lays ConfigMaps and Secrets into folders, as links through
`..data` that it swaps at once, with the group and the modes that the pod asks for, and it asks the probes from outside.
"""

import copy
import json
import os
import shutil
import subprocess
import time
import urllib.error
import urllib.request


def lay(folder, files, gid, mode):
    """Lays files as the kubelet does: each name is a link to ..data/NAME, and ..data one to a folder that is new each time."""
    folder.mkdir(parents=True, exist_ok=True)
    fresh = folder / f"..{time.time_ns()}"
    fresh.mkdir()
    for name, text in files.items():
        (fresh / name).write_text(text)
        os.chown(fresh / name, 0, gid)
        (fresh / name).chmod(mode)
    old = (folder / "..data").resolve() if (folder / "..data").exists() else None
    (folder / "..data_tmp").symlink_to(fresh.name)
    (folder / "..data_tmp").rename(folder / "..data")
    for name in files:
        if not (folder / name).is_symlink():
            (folder / name).symlink_to(f"..data/{name}")
    for entry in folder.iterdir():
        if not entry.name.startswith("..") and entry.name not in files:
            entry.unlink()
    if old:
        shutil.rmtree(old)


class Cluster:
    """A node with one pod: mailjob-0."""

    def __init__(self, podman, documents, secrets, folder):
        self.podman, self.folder, self.secrets = podman, folder, secrets
        of = lambda kind: [each for each in documents if each["kind"] == kind]
        (stateful,) = of("StatefulSet")
        self.config_maps = {each["metadata"]["name"]: each["data"] for each in of("ConfigMap")}
        self.name = stateful["metadata"]["name"] + "-0"
        self.pod = {"apiVersion": "v1", "kind": "Pod", **copy.deepcopy(stateful["spec"]["template"])}
        self.pod["metadata"]["name"] = self.name
        self.spec = self.pod["spec"]
        self.container = f"{self.name}-mailjob"
        self.grace = self.spec["terminationGracePeriodSeconds"]
        self.gid = self.spec["securityContext"]["fsGroup"]
        # On the host's network, where the mail world is, there is nothing to map.
        self.port = self.spec["containers"][0].pop("ports")[0]["containerPort"]
        # Podman would ask the probes by curl inside the container, where there is none.
        self.probes = {k: self.spec["containers"][0].pop(f"{k}Probe") for k in ["startup", "liveness", "readiness"]}
        self.claims = of("PersistentVolumeClaim")
        for volume in self.spec["volumes"]:
            self.mount(volume)

    def mount(self, volume):
        if "configMap" in volume:
            files, mode = self.config_maps[volume["configMap"]["name"]], 0o644
        elif "secret" in volume:
            files, mode = self.secrets[volume["secret"]["secretName"]], volume["secret"]["defaultMode"]
        else:
            return
        path = self.folder / volume["name"]
        lay(path, files, self.gid, mode)
        for kind in ["configMap", "secret"]:
            volume.pop(kind, None)
        volume["hostPath"] = {"path": str(path), "type": "Directory"}

    def run(self, *arguments):
        done = subprocess.run([*self.podman, *arguments], capture_output=True, text=True)
        if done.returncode:
            raise RuntimeError(f"podman {' '.join(arguments)}: {done.stderr or done.stdout}")
        return done.stdout

    def play(self):
        """Starts the pod."""
        self.feed("pod", [self.pod])

    def claim(self):
        """Makes the volumes, writable for the group of fsGroup."""
        self.feed("claims", self.claims)
        for claim in self.claims:
            volume = self.run("volume", "inspect", "--format", "{{.Mountpoint}}", claim["metadata"]["name"]).strip()
            os.chown(volume, 0, self.gid)
            os.chmod(volume, 0o2775)

    def feed(self, name, documents):
        file = self.folder / f"{name}.yaml"
        file.write_text("\n---\n".join(json.dumps(each) for each in documents))
        self.run("kube", "play", "--network", "host", str(file))

    def end_pod(self):
        """Removes the pod; its claim stays."""
        self.run("pod", "rm", "--force", "--time", str(self.grace), self.name)

    def inspect(self, what):
        return self.run("inspect", "--format", what, self.container).strip()

    def probe(self, kind):
        """The status that a probe gets, 0 where nobody answers."""
        ask = self.probes[kind]["httpGet"]
        try:
            with urllib.request.urlopen(
                f"http://127.0.0.1:{self.port}{ask['path']}", timeout=self.probes[kind]["timeoutSeconds"]
            ) as answer:
                return answer.status
        except urllib.error.HTTPError as error:
            return error.code
        except OSError:
            return 0

    def change_endpoints(self, files):
        """Changes the ConfigMap of endpoints, as far as the pod can see."""
        lay(self.folder / "endpoints", files, self.gid, 0o644)
