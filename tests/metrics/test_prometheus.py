# SPDX-License-Identifier: Apache-2.0
"""A real kchand's figures: what promtool and a real Prometheus say of them.

  /usr/bin/python3 -m pytest tests/metrics --build-dir build/dev

Needs root (for the kernel log) and Debian's package prometheus.
"""

from __future__ import annotations

import json
import re
import signal
import socket
import subprocess
import time
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

_ROOT = Path(__file__).resolve().parents[2]
_DEPLOY = _ROOT / "deploy/prometheus"
_SAMPLE = re.compile(r"^([a-z_:]+)(?:\{(.*)\})? (\S+)$")
_NAME = re.compile(r"\b(?:kchan|process)_[a-z_]+")


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def get(url: str) -> str:
    with urllib.request.urlopen(url, timeout=5) as answer:
        text: str = answer.read().decode()
        return text


def eventually(look: Callable[[], Any], seconds: float = 20) -> Any:
    """What `look` finds, once it finds something."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            if found := look():
                return found
        except OSError:
            pass
        time.sleep(0.05)
    pytest.fail(f"not within {seconds} s")


@pytest.fixture(scope="module")
def kchand(build_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """One that serves figures; where."""
    folder = tmp_path_factory.mktemp("kchand")
    config = folder / "kchan.textproto"
    address = f"127.0.0.1:{free_port()}"
    subprocess.run(
        [build_dir / "clients/cli/kchan", "certs", "init", folder / "certs"],
        check=True,
        capture_output=True,
    )
    config.write_text(
        f'unix_sockets {{ directory: "{folder}/run" }}\nmetrics {{ address: "{address}" }}\n'
        f'tcp_listeners {{ address: "127.0.0.1:0" tls {{'
        f' certificate_file: "{folder}/certs/server.pem" key_file: "{folder}/certs/server.key"'
        f' client_ca_file: "{folder}/certs/ca.pem" }} }}\n'
    )
    program: list[str | Path] = [build_dir / "bridge/kchand", "--config", config]
    with (folder / "log").open("w") as log, subprocess.Popen(program, stderr=log) as daemon:
        eventually(lambda: get(f"http://{address}/metrics"))
        # History for the clients: the kernel's log has lines on any machine.
        client: list[str | Path] = [build_dir / "clients/cli/kchan", "--server", f"unix:{folder}/run/read.sock"]
        tail = [*client, "tail", "kmsg", "--from-oldest", "--count", "1"]
        subprocess.run(tail, check=True, timeout=30)
        yield address
        daemon.send_signal(signal.SIGTERM)
        assert daemon.wait(10) == 0


def samples(address: str) -> dict[tuple[str, str], float]:
    """All figures, by name and labels."""
    found = {}
    for line in get(f"http://{address}/metrics").splitlines():
        if match := _SAMPLE.match(line):
            found[match[1], match[2] or ""] = float(match[3])
    return found


def test_promtool_finds_nothing_wrong_with_the_figures(kchand: str) -> None:
    text = get(f"http://{kchand}/metrics")
    done = subprocess.run(
        ["promtool", "check", "metrics"], input=text, capture_output=True, text=True
    )
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


def test_channels_count_what_came_and_what_was_given(kchand: str) -> None:
    now = samples(kchand)
    labels = 'channel="kmsg"'
    assert now["kchan_channel_records_total", labels] > 0
    assert now["kchan_channel_delivered_records_total", labels] >= 1
    assert now["kchan_subscriptions_total", ""] == 1
    assert now["kchan_batch_bytes_count", ""] >= 1
    assert now["kchan_batch_age_seconds_count", ""] >= 1
    # There before the first loss, so that this is a rise.
    assert now["kchan_channel_lost_records_total", f'{labels},stage="source"'] == 0


def test_expiry_of_certificates_is_told(kchand: str) -> None:
    expires = {
        labels.rpartition("=")[2]: value
        for (name, labels), value in samples(kchand).items()
        if name == "kchan_certificate_expiry_timestamp_seconds"
    }
    assert set(expires) == {'"server"', '"client_ca"'}
    assert all(value > time.time() + 86400 for value in expires.values())


def test_prometheus_collects_them(kchand: str, tmp_path: Path) -> None:
    port = free_port()
    config = tmp_path / "prometheus.yml"
    config.write_text(
        json.dumps(
            {
                "global": {"scrape_interval": "1s"},
                "rule_files": [str(_DEPLOY / "kchan-alerts.yaml")],
                "scrape_configs": [
                    {"job_name": "kchand", "static_configs": [{"targets": [kchand]}]}
                ],
            }
        )
    )
    program = [
        "prometheus",
        f"--config.file={config}",
        f"--storage.tsdb.path={tmp_path}/data",
        f"--web.listen-address=127.0.0.1:{port}",
    ]

    def ask(what: str) -> list[Any]:
        query = urllib.parse.urlencode({"query": what})
        answer = json.loads(get(f"http://127.0.0.1:{port}/api/v1/query?{query}"))
        result: list[Any] = answer["data"]["result"]
        return result

    with (tmp_path / "log").open("w") as log, subprocess.Popen(program, stderr=log) as prometheus:
        try:
            eventually(lambda: ask('up{job="kchand"} == 1'), 30)
            (build,) = ask("kchan_build_info")
            assert build["metric"]["abi"]
            assert ask('kchan_channel_records_total{channel="kmsg"} > 0')
            assert ask("histogram_quantile(0.5, kchan_batch_bytes_bucket)")
        finally:
            prometheus.terminate()
            prometheus.wait(10)


def test_alerts_fire_when_they_should(tmp_path: Path) -> None:
    for command in (["check", "rules", "kchan-alerts.yaml"], ["test", "rules", "kchan-alerts-test.yaml"]):
        done = subprocess.run(["promtool", *command], cwd=_DEPLOY, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr


def known_names(address: str) -> set[str]:
    names = {name for name, _ in samples(address)}
    # Only with a spool, and with the module.
    ring_fill = "kchan_channel_ring_fill_ratio"
    return names | {"kchan_channel_spool_bytes", ring_fill, f"{ring_fill}_bucket"}


@pytest.mark.parametrize(
    "path", ["deploy/prometheus/kchan-alerts.yaml", "deploy/prometheus/kchan-dashboard.json"]
)
def test_no_alert_and_no_panel_asks_for_what_is_not_there(kchand: str, path: str) -> None:
    asked = set(_NAME.findall((_ROOT / path).read_text()))
    assert len(asked) > 5
    assert asked - known_names(kchand) == set()


def test_all_figures_are_documented_and_nothing_else(kchand: str) -> None:
    documented = set(_NAME.findall((_ROOT / "docs/metrics.md").read_text()))
    served = {re.sub(r"_(bucket|sum|count)$", "", name) for name in known_names(kchand)}
    served = {name for name in served if _NAME.fullmatch(name)}
    assert documented == served


def test_address_in_use_is_named(build_dir: Path, kchand: str, tmp_path: Path) -> None:
    config = tmp_path / "kchan.textproto"
    config.write_text(
        f'unix_sockets {{ directory: "{tmp_path}/run" }}\nmetrics {{ address: "{kchand}" }}\n'
    )
    done = subprocess.run(
        [build_dir / "bridge/kchand", "--config", config],
        capture_output=True,
        text=True,
        timeout=20,
    )
    assert done.returncode == 1
    assert f"metrics.address {kchand}: cannot listen there" in done.stdout + done.stderr
