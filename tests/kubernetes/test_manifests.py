# SPDX-License-Identifier: Apache-2.0
"""The manifests fit their published schemas, kchand, the unit and each other."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest import APPLIED, KUBERNETES, ROOT, render

Object = dict[str, Any]
MIB = 1 << 20


def of_kind(objects: list[Object], kind: str) -> Iterator[Object]:
    return (found for found in objects if found["kind"] == kind)


def named(objects: list[Object], kind: str, name: str) -> Object:
    return next(found for found in of_kind(objects, kind) if found["metadata"]["name"] == name)


def pod_of(objects: list[Object], name: str = "kchand") -> Object:
    return named(objects, "DaemonSet", name)["spec"]["template"]["spec"]


def containers(objects: list[Object]) -> Iterator[tuple[Object, Object]]:
    for daemon_set in of_kind(objects, "DaemonSet"):
        pod = daemon_set["spec"]["template"]["spec"]
        for container in pod.get("initContainers", []) + pod["containers"]:
            yield pod, container


def configuration(objects: list[Object]) -> str:
    volume = next(v for v in pod_of(objects)["volumes"] if v["name"] == "config")
    return named(objects, "ConfigMap", volume["configMap"]["name"])["data"]["kchan.textproto"]


def number_of(config: str, field: str) -> int:
    found = re.search(rf"^\s*{field}: (\d+)", config, re.MULTILINE)
    assert found, f"the configuration has no {field}"
    return int(found[1])


def test_every_object_fits_its_published_schema(schemas: Path) -> None:
    objects = [found for applied in APPLIED.values() for found in render(*applied)]
    validated = subprocess.run(
        ["node", Path(__file__).with_name("validate.mjs"), schemas],
        input=json.dumps(objects), stdout=subprocess.PIPE, text=True, check=False,
    )  # fmt: skip
    assert validated.returncode == 0, validated.stdout


def test_selectors_select_what_they_are_for(objects: list[Object]) -> None:
    pods = [d["spec"]["template"]["metadata"]["labels"] for d in of_kind(objects, "DaemonSet")]

    def selected(labels: Object) -> int:
        return sum(labels.items() <= pod.items() for pod in pods)

    for daemon_set in of_kind(objects, "DaemonSet"):
        labels = daemon_set["spec"]["selector"]["matchLabels"]
        assert labels.items() <= daemon_set["spec"]["template"]["metadata"]["labels"].items()
        assert selected(labels) == 1
    assert selected(named(objects, "Service", "kchand")["spec"]["selector"]) == 1
    policy = named(objects, "NetworkPolicy", "kchand")["spec"]
    assert selected(policy["podSelector"]["matchLabels"]) == 1


def test_all_are_in_the_one_name_space(objects: list[Object]) -> None:
    for found in objects:
        if found["kind"] != "Namespace":
            assert found["metadata"]["namespace"] == "kchan", found["metadata"]["name"]


def test_mounts_have_their_volumes_and_volumes_are_mounted(objects: list[Object]) -> None:
    for daemon_set in of_kind(objects, "DaemonSet"):
        pod = daemon_set["spec"]["template"]["spec"]
        all_containers = pod.get("initContainers", []) + pod["containers"]
        mounted = {m["name"] for c in all_containers for m in c.get("volumeMounts", [])}
        assert mounted == {volume["name"] for volume in pod.get("volumes", [])}
        if pod["serviceAccountName"]:
            named(objects, "ServiceAccount", pod["serviceAccountName"])


def test_the_port_is_the_configurations(objects: list[Object]) -> None:
    ports = {port["name"]: port for port in pod_of(objects)["containers"][0]["ports"]}
    port = ports["grpc"]
    assert f'address: "[::]:{port["containerPort"]}"' in configuration(objects)
    (service_port,) = named(objects, "Service", "kchand")["spec"]["ports"]
    assert (service_port["targetPort"], service_port["port"]) == (port["name"], port["hostPort"])
    rules = named(objects, "NetworkPolicy", "kchand")["spec"]["ingress"]
    allowed = {allowed["port"] for rule in rules for allowed in rule["ports"]}
    assert allowed == {port["containerPort"] for port in ports.values()}
    assert all(port["hostPort"] == port["containerPort"] for port in ports.values())


def test_figures_are_collected_where_the_configuration_can_serve_them(
    objects: list[Object], kchand: Path, tmp_path: Path
) -> None:
    # The line is there to be taken in, and kchand takes it.
    (line,) = re.findall(r"^# (metrics \{.*\})$", configuration(objects), re.MULTILINE)
    path = tmp_path / "kchan.textproto"
    path.write_text(configuration(objects).replace(f"# {line}", line))
    subprocess.run([kchand, "--check-config", "--config", path], check=True)
    ports = {port["name"]: port for port in pod_of(objects)["containers"][0]["ports"]}
    pods = named(objects, "DaemonSet", "kchand")["spec"]["template"]["metadata"]["labels"]
    for monitor in of_kind(objects, "PodMonitor"):
        assert monitor["spec"]["selector"]["matchLabels"].items() <= pods.items()
        (endpoint,) = monitor["spec"]["podMetricsEndpoints"]
        assert f':{ports[endpoint["port"]]["containerPort"]}"' in line


def test_kchand_takes_the_configuration(
    objects: list[Object], kchand: Path, tmp_path: Path
) -> None:
    path = tmp_path / "kchan.textproto"
    path.write_text(configuration(objects))
    arguments = [a for a in pod_of(objects)["containers"][0]["args"] if "--config" not in a]
    checked = subprocess.run(
        [kchand, "--check-config", "--config", path, *arguments],
        stderr=subprocess.PIPE, text=True, check=False,
    )  # fmt: skip
    assert checked.returncode == 0, checked.stderr


def test_files_of_the_configuration_are_mounted(objects: list[Object]) -> None:
    mounts = [m["mountPath"] for m in pod_of(objects)["containers"][0]["volumeMounts"]]
    paths = re.findall(r'"(/[^"]+)"', configuration(objects))
    assert len(paths) >= 5
    for path in paths:
        assert any(path == mount or path.startswith(f"{mount}/") for mount in mounts), path


def test_the_secrets_keys_are_those_of_the_configuration(objects: list[Object]) -> None:
    config = configuration(objects)
    for key in ("tls.crt", "tls.key", "ca.crt"):
        assert f'"/etc/kchan/tls/{key}"' in config
    volume = next(v for v in pod_of(objects)["volumes"] if v["name"] == "tls")
    for certificate in of_kind(objects, "Certificate"):
        assert certificate["spec"]["secretName"] == volume["secret"]["secretName"]


def test_memory_that_kchand_may_take_is_within_its_limit(objects: list[Object]) -> None:
    config = configuration(objects)
    limit = pod_of(objects)["containers"][0]["resources"]["limits"]["memory"]
    assert limit.endswith("Mi")
    taken = number_of(config, "max_log_bytes") + number_of(config, "max_pinned_bytes")
    # What a stalled subscriber was measured to hold; then threads, the program.
    taken += number_of(config, "max_subscriptions") * (135 << 10) + 128 * MIB
    # The same for a silent connection; of both Unix sockets and TCP.
    taken += 3 * number_of(config, "max_connections") * (18 << 10)
    assert taken <= int(limit.removesuffix("Mi")) * MIB


def documented_capabilities() -> dict[str, set[str]]:
    """Container -> capabilities, from the table of docs/kubernetes.md."""
    table: dict[str, set[str]] = {}
    text = (ROOT / "docs/kubernetes.md").read_text()
    for applied, container, capabilities in re.findall(
        r"^\| `([^`]+)` \| `([^`]+)` \| ([^|]+) \|", text, re.MULTILINE
    ):
        table[f"{applied}/{container}"] = set(re.findall(r"`CAP_(\w+)`", capabilities))
    return table


def test_capabilities_are_the_documented_ones(
    objects: list[Object], request: pytest.FixtureRequest
) -> None:
    applied = request.node.callspec.params["objects"].split(" with ")[0]
    documented = documented_capabilities()
    unit = (ROOT / "deploy/systemd/kchand.service").read_text()
    for pod, container in containers(objects):
        security = container["securityContext"]
        given = set(security["capabilities"].get("add", []))
        assert security["capabilities"]["drop"] == ["ALL"]
        assert given == documented[f"{applied}/{container['name']}"]
        if container["name"] == "kchand":
            assert all(f"CAP_{name}" in unit for name in given)
        # Kubernetes gives capabilities to root only.
        assert (security["runAsUser"] == 0) == bool(given)
        assert not pod.get("hostPID") and not pod.get("hostIPC")


def test_nothing_is_privileged(objects: list[Object]) -> None:
    for pod, container in containers(objects):
        security = container["securityContext"]
        assert "privileged" not in security
        assert security["allowPrivilegeEscalation"] is False
        assert security["seccompProfile"]["type"] == "RuntimeDefault"
        assert pod["automountServiceAccountToken"] is False
        assert container["resources"]["limits"]["memory"]
        # The loader links the node's headers to where they are looked for.
        assert container["name"] == "load" or security["readOnlyRootFilesystem"] is True
    for account in of_kind(objects, "ServiceAccount"):
        assert account["automountServiceAccountToken"] is False


def test_probes_are_kchan_health(objects: list[Object]) -> None:
    container = pod_of(objects)["containers"][0]
    for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
        assert container[probe]["exec"]["command"] == ["kchan", "health"]
        # kchan gives a slow node ten seconds to accept a connection.
        assert container[probe]["timeoutSeconds"] > 10


def test_a_pod_ends_before_it_is_killed(objects: list[Object]) -> None:
    # drain_timeout_ms by default, and what kchand takes then.
    assert pod_of(objects)["terminationGracePeriodSeconds"] > 3 + 2


def test_the_users_number_is_the_images(objects: list[Object]) -> None:
    dockerfile = (ROOT / "deploy/container/Dockerfile").read_text()
    security = pod_of(objects)["containers"][0]["securityContext"]
    if security["runAsUser"] != 0:
        assert f"USER {security['runAsUser']}:{security['runAsGroup']}\n" in dockerfile


def test_images_have_a_version_of_ours() -> None:
    version = re.search(r'"(.*)"', (ROOT / "kmod/version.h").read_text().split("VERSION_H")[-1])
    assert version
    for path in KUBERNETES.rglob("kustomization.yaml"):
        for tag in re.findall(r"newTag: (\S+)", path.read_text()):
            assert tag == version[1], path
