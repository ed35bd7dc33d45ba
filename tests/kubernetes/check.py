#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""docker/kubernetes: every combination of its components, as kustomize renders it, is what the schemas of Kubernetes
and KEDA take, and agrees with the program: its settings, its topics, its images, its ports. No cluster runs here.

usage: check.py ROOT VIDRIERA FETCHED
"""

import functools
import itertools
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

import yaml
from jsonschema import Draft4Validator, Draft202012Validator, RefResolver

ROOT, VIDRIERA, FETCHED = (pathlib.Path(argument).resolve() for argument in sys.argv[1:4])
FOLDER = ROOT / "docker/kubernetes"
SCHEMAS = sorted(FETCHED.glob("v*-strict"))

GPUS = None, "intel", "amd", "nvidia"
SCALERS = None, "keda-scaled-object", "keda-scaled-job"


def components(gpu, scaler, sasl):
    """In the order that their comments ask for."""
    names = ["kafka-sasl" if sasl else None, gpu, scaler, "keda-sasl" if sasl and scaler else None, "network-policy"]
    return [name for name in names if name]


def kustomize(folder):
    done = subprocess.run([FETCHED / "kustomize", "build", folder], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          text=True, check=False)
    if done.returncode or "deprecated" in done.stderr:
        raise AssertionError(f"kustomize build {folder}: {done.stderr}")
    return list(yaml.safe_load_all(done.stdout))


def rendered(names):
    """base with these components."""
    with tempfile.TemporaryDirectory() as folder:
        base = os.path.relpath(FOLDER, os.path.realpath(folder))
        pathlib.Path(folder, "kustomization.yaml").write_text(yaml.safe_dump({
            "resources": [f"{base}/base"],
            "components": [f"{base}/components/{name}" for name in names],
        }), encoding="utf-8")
        return kustomize(folder)


RENDERED = {"example": kustomize(FOLDER / "example")}
for combination in itertools.product(GPUS, SCALERS, (False, True)):
    wanted = components(*combination)
    RENDERED["base, " + ", ".join(wanted)] = rendered(wanted)
RENDERED["base"] = kustomize(FOLDER / "base")
DATA = yaml.safe_load((FOLDER / "data.yaml").read_text(encoding="utf-8"))


def source(path):
    return (ROOT / path).read_text(encoding="utf-8")


def found(pattern, text):
    match = re.search(pattern, text, re.DOTALL)
    if not match:
        raise AssertionError(f"{pattern} is not there any more")
    return match.group(1)


def of_kind(documents, *kinds):
    return [document for document in documents if document["kind"] in kinds]


def pods(documents):
    """The name of its owner, and the pod's template."""
    for document in of_kind(documents, "Deployment"):
        yield document["metadata"]["name"], document["spec"]["template"]
    for document in of_kind(documents, "ScaledJob"):
        yield document["metadata"]["name"], document["spec"]["jobTargetRef"]["template"]


def containers(template):
    return template["spec"].get("initContainers", []) + template["spec"]["containers"]


def variables(container, documents):
    maps = {document["metadata"]["name"]: document["data"] for document in of_kind(documents, "ConfigMap")}
    result = {}
    for row in container["envFrom"]:
        result.update(maps[row["configMapRef"]["name"]])
    result.update({row["name"]: row["value"] for row in container.get("env", [])})
    return result


def amount(text, units):
    number, unit = re.fullmatch(r"([0-9.]+)([A-Za-z]*)", str(text)).groups()
    return float(number) * units[unit]


SECONDS = {"": 1, "s": 1, "m": 60, "h": 3600}
BYTES = {"": 1, "k": 1 << 10, "M": 1 << 20, "G": 1 << 30, "Ki": 1 << 10, "Mi": 1 << 20, "Gi": 1 << 30}


@functools.cache
def run_once(arguments, environment):
    done = subprocess.run([VIDRIERA, *arguments], env=dict(environment), stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          text=True, check=False)
    if done.returncode:
        raise AssertionError(f"vidriera {' '.join(arguments)}: {done.returncode}: {done.stderr}")
    return done.stdout


def run(*arguments, environment):
    return run_once(arguments, tuple(sorted(environment.items())))


def in_force(container, documents, folder):
    """A container's variables, and what `vidriera config` makes of them: key -> (value or None, where from). Data and
    secrets are in folder."""
    result, section = {}, ""
    environment = variables(container, documents) | {"VIDRIERA_DATA": folder}
    for name in environment:
        if name.startswith("VIDRIERA_KAFKA_") and name.endswith("_FILE"):
            environment[name] = f"{folder}/{name}"
            pathlib.Path(folder, name).write_text("something\n", encoding="utf-8")
    run("config", "--check", environment=environment)
    for line in run("config", "--print", environment=environment).splitlines():
        if match := re.fullmatch(r"(\w+) \{", line):
            section = match.group(1) + "."
        elif line == "}":
            section = ""
        elif match := re.fullmatch(r'\s*([\w.]+) = "?(.*?)"?  # (.*)', line):
            result[section + match.group(1)] = match.group(2), match.group(3)
        elif match := re.fullmatch(r"\s*# ([\w.]+) is (?:hidden  # (.*)|not set)", line):
            result[section + match.group(1)] = None, match.group(2)
    return environment, result


def closed(schema):
    """KEDA's, so that unknown fields are errors; a cluster would drop them without a word."""
    if isinstance(schema, list):
        return [closed(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    result = {key: closed(value) for key, value in schema.items()}
    open_ = schema.get("x-kubernetes-preserve-unknown-fields") or "additionalProperties" in schema
    if isinstance(schema.get("properties"), dict) and schema.get("type") == "object" and not open_:
        result["additionalProperties"] = False
    return result


def objects(value, path=""):
    """Every object whose fields are not the user's to name, and the way to it."""
    named = r".*\.(labels|matchLabels|annotations|data|limits|requests|metadata)|\.spec\.selector"
    if isinstance(value, dict) and not re.fullmatch(named, path):
        yield path, value
    if isinstance(value, (dict, list)):
        for key, member in list(value.items() if isinstance(value, dict) else enumerate(value)):
            yield from objects(member, f"{path}.{key}")


class Validators:
    """Of one version of Kubernetes, and of KEDA."""

    def __init__(self, folder):
        self.folder = folder
        definitions = json.loads((folder / "_definitions.json").read_text(encoding="utf-8"))
        self.store = {definitions["$id"]: definitions}
        self.made = {}
        for path in FETCHED.glob("keda.sh_*.yaml"):
            crd = yaml.load(path.read_text(encoding="utf-8"), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
            for version in crd["spec"]["versions"]:
                schema = closed(version["schema"]["openAPIV3Schema"])
                schema["properties"]["metadata"] = {"type": "object"}
                self.made[f"{crd['spec']['group']}/{version['name']}", crd["spec"]["names"]["kind"]] = \
                    Draft4Validator(schema)

    def of(self, document):
        key = document["apiVersion"], document["kind"]
        if key not in self.made:
            version = re.sub(r"^([^./]*)(?:\.[^/]*)?/", r"\1-", document["apiVersion"])
            path = self.folder / f"{document['kind'].lower()}-{version}.json"
            schema = json.loads(path.read_text(encoding="utf-8"))
            self.made[key] = Draft202012Validator(schema, resolver=RefResolver(schema["$id"], schema, store=self.store))
        return self.made[key]

    def errors(self, document):
        return [f"{error.json_path}: {error.message[:300]}" for error in self.of(document).iter_errors(document)]


VALIDATORS = [Validators(folder) for folder in SCHEMAS]


class Kubernetes(unittest.TestCase):
    maxDiff = None

    def each(self, check):
        for name, documents in RENDERED.items():
            with self.subTest(name):
                check(documents)

    def each_pod(self, check):
        for name, documents in RENDERED.items():
            for owner, template in pods(documents):
                with self.subTest(name, owner=owner):
                    check(documents, owner, template)

    def test_schemas(self):
        def check(documents):
            for document in documents:
                self.assertEqual(validators.errors(document), [], document["metadata"]["name"])

        self.assertEqual(len(VALIDATORS), 2)
        for validators in VALIDATORS:
            with self.subTest(validators.folder.name):
                check([DATA])
                self.each(check)

    def test_schemas_are_strict(self):
        """A field that is not known is an error, wherever it is."""
        documents = rendered(components("intel", "keda-scaled-job", True))
        documents += rendered(components("intel", "keda-scaled-object", True))
        for validators, document in itertools.product(VALIDATORS, documents):
            for path, place in objects(document):
                place["unheard-of"] = {}
                self.assertNotEqual(validators.errors(document), [], f"{document['kind']}: {path}")
                del place["unheard-of"]

    def test_what_a_restricted_namespace_takes(self):
        def check(_, __, template):
            spec = template["spec"]
            self.assertEqual({member: spec["securityContext"][member] for member in spec["securityContext"]
                              if member != "supplementalGroups"},
                             {"runAsNonRoot": True, "runAsUser": 10001, "runAsGroup": 10001, "fsGroup": 10001,
                              "fsGroupChangePolicy": "OnRootMismatch", "seccompProfile": {"type": "RuntimeDefault"}})
            self.assertIs(spec["automountServiceAccountToken"], False)
            self.assertIs(spec["enableServiceLinks"], False)
            self.assertEqual({"hostNetwork", "hostPID", "hostIPC"} & set(spec), set())
            for volume in spec["volumes"]:
                self.assertTrue({"persistentVolumeClaim", "secret", "emptyDir"} & set(volume), volume)
            for container in containers(template):
                self.assertEqual(container["securityContext"],
                                 {"allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True,
                                  "capabilities": {"drop": ["ALL"]}})
        self.each_pod(check)

    def test_settings(self):
        """The program takes every variable and argument, and what it is told fits its pod."""
        closing = 2 * int(found(r"BUS_CLOSE_MS = (\d+)", source("src/worker/supervisor.c"))) / 1000

        def check(documents, owner, template):
            for container in containers(template):
                environment, values = in_force(container, documents, folder)
                told = {name for name in environment if name.startswith("VIDRIERA_")}
                self.assertEqual(told - {where for _, where in values.values()}, set())
                self.assertIsNone(values["instance"][0], "two pods of one name fence each other")
                run(*container["args"], "--help", environment=environment)
            if owner == "vidriera-worker":
                self.assertGreaterEqual(template["spec"]["terminationGracePeriodSeconds"],
                                        amount(values["worker.drain"][0], SECONDS) + closing)
                slots = int(values["worker.slots"][0])
                self.assertGreater(slots, 0, "the processors of the whole node would be counted")
                self.assertGreaterEqual(amount(container["resources"]["limits"]["memory"], BYTES),
                                        slots * amount(values["limits.memory"][0], BYTES) + (1 << 30))
        with tempfile.TemporaryDirectory() as folder:
            self.each_pod(check)

    def test_files(self):
        """Folders and files that variables name are mounted; README makes their Secrets."""
        readme = source("docker/kubernetes/README.md").replace("\\\n", " ")
        needed = {"topics": ["KAFKA"], "watch": ["KAFKA", "DATA", "HTTP"], "worker": ["KAFKA", "DATA", "HTTP", "CACHE"]}

        def check(documents, _, template):
            volumes = {volume["name"]: volume for volume in template["spec"]["volumes"]}
            for container in containers(template):
                mounts = {mount["mountPath"]: volumes[mount["name"]] for mount in container.get("volumeMounts", [])}
                for name, value in variables(container, documents).items():
                    if not value.startswith("/") or name.split("_")[1] not in needed[container["args"][0]]:
                        continue
                    if not name.endswith("_FILE"):
                        self.assertIn(value, mounts, name)
                        continue
                    self.assertIn(os.path.dirname(value), mounts, name)
                    secret = mounts[os.path.dirname(value)]["secret"]
                    self.assertEqual(secret["defaultMode"], 0o440)
                    self.assertRegex(readme, rf"create secret generic {secret['secretName']} "
                                             rf".*--from-\S*{os.path.basename(value)}=")
        self.each_pod(check)

    def test_probes(self):
        routes = source("src/web/routes.c")

        def check(documents, _, template):
            container = template["spec"]["containers"][0]
            port = int(variables(container, documents)["VIDRIERA_HTTP_LISTEN"].rsplit(":", 1)[1])
            self.assertEqual(container["ports"], [{"name": "http", "containerPort": port}])
            for probe, path in ("livenessProbe", "/healthz"), ("readinessProbe", "/readyz"):
                self.assertEqual(container[probe]["httpGet"], {"path": path, "port": "http"})
                self.assertIn(f'{{"{path}", false, VD_MACHINES,', routes)
            grace = template["spec"]["terminationGracePeriodSeconds"]
            self.assertLessEqual(container["livenessProbe"].get("terminationGracePeriodSeconds", grace), 30)
        self.each_pod(check)

    def test_references(self):
        """What selects pods or names other objects finds them."""
        def check(documents):
            names = {(document["kind"], document["metadata"]["name"]) for document in documents}
            labels = [template["metadata"]["labels"].items() for _, template in pods(documents)]
            for document in of_kind(documents, "Service", "PodDisruptionBudget", "NetworkPolicy", "Deployment"):
                selector = document["spec"].get("podSelector") or document["spec"]["selector"]
                wanted = selector.get("matchLabels", selector).items()
                self.assertTrue(any(wanted <= some for some in labels), document["metadata"]["name"])
            for document in of_kind(documents, "Service"):
                self.assertEqual([port["targetPort"] for port in document["spec"]["ports"]], ["http"])
            for _, template in pods(documents):
                claims = [volume["persistentVolumeClaim"]["claimName"] for volume in template["spec"]["volumes"]
                          if "persistentVolumeClaim" in volume]
                self.assertEqual(claims, [DATA["metadata"]["name"]])
            for document in of_kind(documents, "ScaledObject"):
                self.assertIn(("Deployment", document["spec"]["scaleTargetRef"]["name"]), names)
            for document in of_kind(documents, "ScaledObject", "ScaledJob"):
                for trigger in document["spec"]["triggers"]:
                    if "authenticationRef" in trigger:
                        self.assertIn(("TriggerAuthentication", trigger["authenticationRef"]["name"]), names)
        self.each(check)

    def test_scaling(self):
        """KEDA looks at the topic and the group of the workers, and makes no more of them than there are partitions."""
        partitions = int(found(r"\[VD_TOPIC_JOBS\] = \{(\d+),", source("src/bus/topic_table.c")))
        scaler = (FETCHED / "kafka_scaler.go").read_text(encoding="utf-8")
        known = dict(re.findall(r'`keda:"name=(\w+),order=([\w;]+)', scaler))
        self.assertGreater(len(known), 20)
        seen = set()

        def check(documents):
            told = variables(dict(pods(documents))["vidriera-worker"]["spec"]["containers"][0], documents)
            mechanism = told.get("VIDRIERA_KAFKA_SASL_MECHANISM")
            for document in of_kind(documents, "ScaledObject", "ScaledJob"):
                seen.add((document["kind"], mechanism))
                self.assertLessEqual(document["spec"]["maxReplicaCount"], partitions)
                trigger = document["spec"]["triggers"][0]
                metadata = trigger["metadata"]
                self.assertEqual((metadata["topic"], metadata["consumerGroup"], metadata["lagThreshold"]),
                                 ("vidriera.jobs", told["VIDRIERA_WORKER_GROUP"], "1"))
                for name, value in metadata.items():
                    plain = name.removesuffix("FromEnv")
                    self.assertIn("triggerMetadata" if plain == name else "resolvedEnv", known[plain])
                    self.assertTrue(plain == name or told[value])
                self.assertEqual("authenticationRef" in trigger, bool(mechanism))
                if mechanism:
                    self.assertEqual(metadata["sasl"], mechanism.lower().replace("scram-sha-", "scram_sha"))
                    self.assertEqual(told["VIDRIERA_KAFKA_SECURITY_PROTOCOL"], "sasl_ssl")
                    self.assertEqual(metadata["tls"], "enable")
            for document in of_kind(documents, "TriggerAuthentication"):
                for row in document["spec"]["secretTargetRef"]:
                    self.assertIn("authParams", known[row["parameter"]])
                    file = told[f"VIDRIERA_KAFKA_SASL_{row['parameter'].upper()}_FILE"]
                    self.assertEqual(os.path.basename(file), row["key"])
        self.each(check)
        self.assertEqual(seen, set(itertools.product(("ScaledObject", "ScaledJob"), (None, "SCRAM-SHA-512"))))

    def test_who_makes_the_workers(self):
        def check(documents):
            kinds = {document["kind"] for document in documents}
            deployments = {document["metadata"]["name"]: document["spec"]
                           for document in of_kind(documents, "Deployment")}
            self.assertEqual(deployments["vidriera-watch"]["replicas"], 1)
            self.assertEqual(deployments["vidriera-watch"]["strategy"], {"type": "Recreate"})
            if "ScaledJob" not in kinds:
                self.assertIn("PodDisruptionBudget", kinds)
                self.assertEqual("replicas" in deployments["vidriera-worker"], "ScaledObject" not in kinds)
                return
            self.assertEqual(set(deployments), {"vidriera-watch"})
            self.assertNotIn("PodDisruptionBudget", kinds)
            spec = dict(pods(documents))["vidriera-worker"]["spec"]
            self.assertEqual(spec["restartPolicy"], "Never")
            self.assertEqual(spec["containers"][0]["args"][:2], ["worker", "--once"])
        self.each(check)

    def test_devices(self):
        """The resources that `vidriera doctor` tells, and groups that are nobody's until they are changed."""
        resources = {"intel": "gpu.intel.com/i915", "amd": "amd.com/gpu", "nvidia": "nvidia.com/gpu"}
        self.assertEqual(set(resources), set(GPUS) - {None})
        for gpu, scaler in itertools.product(resources, SCALERS):
            with self.subTest(gpu, scaler=scaler):
                pod = dict(pods(rendered(components(gpu, scaler, False))))["vidriera-worker"]["spec"]
                self.assertIn(resources[gpu] + ": 1", source("src/cli/doctor_deploy.c"))
                self.assertEqual(pod["containers"][0]["resources"]["limits"][resources[gpu]], "1")
                self.assertEqual(pod["securityContext"].get("supplementalGroups"), None if gpu == "nvidia" else [65534])
                self.assertEqual(pod["containers"][0]["image"], "vidriera-nvidia" if gpu == "nvidia" else "vidriera")
        pod = dict(pods(RENDERED["example"]))["vidriera-worker"]["spec"]
        self.assertNotIn(65534, pod["securityContext"]["supplementalGroups"])

    def test_images(self):
        """README builds every image that is named here, from a stage that the Dockerfile has."""
        built = dict(re.findall(r"--target (\w+) -t registry\.example\.org/(vidriera[\w-]*):",
                                source("docker/kubernetes/README.md")))
        images = {container["image"] for documents in RENDERED.values() for _, template in pods(documents)
                  for container in containers(template)}
        version = found(r"project\(vidriera VERSION (\S+)", source("CMakeLists.txt"))
        self.assertEqual(images, {*built.values(), f"registry.example.org/vidriera:{version}"})
        if (ROOT / "docker/Dockerfile").exists():
            stages = re.findall(r"^FROM .* AS (\w+)", source("docker/Dockerfile"), re.MULTILINE)
            self.assertEqual(set(built) - set(stages), set())


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], "-v"])
