"""What a rendering of the chart must hold beyond the schemas of its kinds. Prints what is wrong, and exits 1.

check.py RENDERED.yaml...     holds them against the rules below
check.py --operator FILE...   prints what the Prometheus operator reads, one JSON document a line
"""

import json
import re
import sys

import yaml

# https://kubernetes.io/docs/concepts/security/pod-security-standards/ "Restricted", as of 1.35.
VOLUMES = {"configMap", "emptyDir", "persistentVolumeClaim", "projected", "secret"}


def documents(file):
    with open(file) as text:
        return [document for document in yaml.safe_load_all(text) if document]


def seconds(text):
    number, unit = re.fullmatch(r"(\d+)(s|m|h)", text).groups()
    return int(number) * {"s": 1, "m": 60, "h": 3600}[unit]


def restricted(pod):
    """The restricted standard for pods, and what we ask for beyond it."""
    container = pod["containers"][0]
    own, whole = container["securityContext"], pod["securityContext"]
    yield own["allowPrivilegeEscalation"] is False, "no privilege escalation"
    yield own["capabilities"] == {"drop": ["ALL"]}, "no capability"
    yield own["seccompProfile"]["type"] == "RuntimeDefault", "seccomp"
    yield own["readOnlyRootFilesystem"] is True, "read-only root"
    yield own["runAsNonRoot"] and whole["runAsNonRoot"] and own.get("runAsUser") == whole.get("runAsUser") != 0, "not root"
    yield not {"hostNetwork", "hostPID", "hostIPC"} & pod.keys(), "nothing of the host"
    yield pod["automountServiceAccountToken"] is False, "no token for the cluster's API"
    yield all(VOLUMES & volume.keys() for volume in pod["volumes"]), "only volumes that are allowed"
    yield len(pod["containers"]) == 1, "one container"


def running(pod, service):
    """Grace, probes, mounts."""
    container = pod["containers"][0]
    drain = seconds(re.search(r'^drain = "(\w+)"$', service, re.M).group(1))
    yield pod["terminationGracePeriodSeconds"] >= drain + 10, "the grace period is above the drain"
    port = re.search(r'^health = ".*:(\d+)"$', service, re.M).group(1)
    yield container["ports"] == [{"name": "health", "containerPort": int(port), "protocol": "TCP"}], "the port of health"
    paths = {kind: container[f"{kind}Probe"]["httpGet"] for kind in ["startup", "liveness", "readiness"]}
    alive = {"path": "/livez", "port": "health"}
    yield paths["liveness"] == paths["startup"] == alive, "liveness and startup ask /livez: a start that waits for room is not killed"
    yield paths["readiness"] == {"path": "/readyz", "port": "health"}, "readiness asks /readyz"
    mounts = container["volumeMounts"]
    yield not any("subPath" in mount for mount in mounts), "no subPath: it is never updated"
    writable = {mount["mountPath"] for mount in mounts if not mount.get("readOnly")}
    yield writable == {"/var/lib/mailjob", "/tmp"}, "only the ledger and /tmp can be written"
    secrets = [volume["secret"] for volume in pod["volumes"] if "secret" in volume]
    yield secrets and all(secret["defaultMode"] == 0o440 for secret in secrets), "secrets are for the group alone"
    limits = container["resources"]
    yield "memory" in limits["limits"] and {"cpu", "memory"} <= limits["requests"].keys(), "resources"


def alone(stateful):
    """Never two on one ledger."""
    spec, pod = stateful["spec"], stateful["spec"]["template"]["spec"]
    yield spec["replicas"] == 1, "one replica"
    yield "volumeClaimTemplates" not in spec, "no second pod gets a ledger of its own"
    volumes = [volume["name"] for volume in pod["volumes"]]
    mounted = [mount["name"] for mount in pod["containers"][0]["volumeMounts"]]
    yield sorted(volumes) == sorted(set(mounted)), "each volume is there, once, and used"
    labels = spec["template"]["metadata"]["labels"]
    yield spec["selector"]["matchLabels"].items() <= labels.items(), "the selector finds the pod"


def kept(stateful, claims):
    """The ledger's claim: one, by its name, that outlives the release and is of one node."""
    volumes = stateful["spec"]["template"]["spec"]["volumes"]
    (used,) = [volume["persistentVolumeClaim"]["claimName"] for volume in volumes if volume["name"] == "ledger"]
    yield len(claims) <= 1, "one claim at most"
    for claim in claims:
        yield claim["metadata"]["name"] == used, "the claim that is made is the one that is used"
        yield claim["metadata"]["annotations"]["helm.sh/resource-policy"] == "keep", "the claim is kept"
        yield set(claim["spec"]["accessModes"]) <= {"ReadWriteOnce", "ReadWriteOncePod"}, "a volume of one node"


def checked(found, stateful):
    """The check before a roll-out reads what is to run, and nothing else finds its pod."""
    for job in found.get("Job", []):
        pod, name = job["spec"]["template"], job["metadata"]["name"]
        (before,) = [each for each in found["ConfigMap"] if each["metadata"]["name"] == name]
        (config,) = [each for each in found["ConfigMap"] if "mailjob.toml" in each["data"]]
        yield from restricted(pod["spec"])
        yield before["data"]["config"] == config["data"]["mailjob.toml"], "the check reads mailjob.toml as it is to be"
        endpoints = [each["data"] for each in found["ConfigMap"] if each["metadata"]["name"].endswith("-endpoints")]
        files = {name: text for name, text in before["data"].items() if name != "config"}
        yield files == (endpoints[0] if endpoints else {}), "the check reads the endpoints as they are to be"
        own = stateful["spec"]["selector"]["matchLabels"]
        yield not own.items() <= pod["metadata"]["labels"].items(), "nobody takes the check's pod for the release's"
        weights = [int(each["metadata"]["annotations"].get("helm.sh/hook-weight", 0)) for each in (before, job)]
        yield weights[0] < weights[1], "the check's files are there before it"
        images = [each["containers"][0]["image"] for each in (pod["spec"], stateful["spec"]["template"]["spec"])]
        yield images[0] == images[1], "the check is that of the image that is to run"


def wrong(file):
    found = {}
    for document in documents(file):
        found.setdefault(document["kind"], []).append(document)
    (stateful,) = found["StatefulSet"]
    pod = stateful["spec"]["template"]["spec"]
    config = next(each for each in found["ConfigMap"] if "mailjob.toml" in each["data"])
    rules = [*restricted(pod), *running(pod, config["data"]["mailjob.toml"]), *alone(stateful), *checked(found, stateful)]
    rules += kept(stateful, found.get("PersistentVolumeClaim", []))
    (service,) = found["Service"]
    rules += [
        (service["metadata"]["name"] == stateful["spec"]["serviceName"], "the service of the StatefulSet"),
        ("PodDisruptionBudget" not in found, "no disruption budget for one replica"),
        ("Secret" not in found, "no secret is rendered"),
    ]
    # The operator's schemas let unknown keys pass, which the cluster then drops.
    for monitor in found.get("ServiceMonitor", []):
        spec = monitor["spec"]
        rules += [
            (spec.keys() == {"selector", "namespaceSelector", "endpoints"}, "known keys of the monitor"),
            ([each.keys() for each in spec["endpoints"]] == [{"port", "path", "interval", "honorLabels"}], "known keys of its endpoint"),
            (spec["endpoints"][0]["port"] == service["spec"]["ports"][0]["name"], "the monitor's port"),
            (spec["selector"]["matchLabels"].items() <= service["metadata"]["labels"].items(), "the monitor finds the service"),
        ]
    for rule in found.get("PrometheusRule", []):
        alerts = rule["spec"]["groups"][0]["rules"]
        rules.append((len(alerts) > 5, "the alert rules are there"))
        own = f'namespace="{stateful["metadata"]["namespace"]}",service="{service["metadata"]["name"]}"'
        selectors = [each for alert in alerts for each in re.findall(r"(?:mailjob|process)_[a-z_]+.?.{0,300}", alert["expr"])]
        rules.append((all(re.match(r"[a-z_]+\{" + re.escape(own), each) for each in selectors), "each rule judges this release alone"))
    for policy in found.get("NetworkPolicy", []):
        chosen = policy["spec"]["podSelector"]["matchLabels"]
        rules.append((chosen == stateful["spec"]["selector"]["matchLabels"], "the policy finds the pod"))
    return [what for holds, what in rules if not holds]


def main(arguments):
    if arguments[0] == "--operator":
        for file in arguments[1:]:
            for document in documents(file):
                if document["apiVersion"].startswith("monitoring.coreos.com/"):
                    print(json.dumps(document))
        return 0
    code = 0
    for file in arguments:
        for what in wrong(file):
            print(f"{file}: does not hold: {what}")
            code = 1
    return code


sys.exit(main(sys.argv[1:]))
