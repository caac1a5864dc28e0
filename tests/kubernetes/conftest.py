# SPDX-License-Identifier: Apache-2.0
"""The manifests of deploy/kubernetes, as `kubectl kustomize` renders them."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
KUBERNETES = ROOT / "deploy/kubernetes"

# What may be applied: a folder, and components with it.
APPLIED = {
    "base": ("base", ()),
    "devices": ("overlays/devices", ()),
    "module": ("overlays/module", ()),
    "module with components": (
        "overlays/module",
        ("components/cert-manager", "components/prometheus"),
    ),
}


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--build-dir", type=Path, required=True, help="where kchand is")


def cannot(reason: str) -> None:
    """A check that cannot be made here; a machine that integrates changes must be able to."""
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


def render(folder: str, components: tuple[str, ...]) -> list[dict[str, Any]]:
    if shutil.which("kubectl") is None:
        pytest.skip("no kubectl to render with, and Debian 12's is too old")
    # Below the manifests: kustomize wants relative paths.
    with tempfile.TemporaryDirectory(prefix=".rendered-", dir=KUBERNETES) as work:
        (Path(work) / "kustomization.yaml").write_text(
            yaml.safe_dump(
                {
                    "apiVersion": "kustomize.config.k8s.io/v1beta1",
                    "kind": "Kustomization",
                    "namespace": "kchan",
                    "resources": [f"../{folder}"],
                    "components": [f"../{component}" for component in components],
                }
            )
        )
        rendered = subprocess.run(
            ["kubectl", "kustomize", work], check=True, stdout=subprocess.PIPE, text=True
        ).stdout
    return [document for document in yaml.safe_load_all(rendered) if document]


@pytest.fixture(scope="module", params=APPLIED)
def objects(request: pytest.FixtureRequest) -> list[dict[str, Any]]:
    return render(*APPLIED[request.param])


@pytest.fixture(scope="module")
def schemas() -> Path:
    fetched = subprocess.run(
        [ROOT / "scripts/fetch-kubernetes-schemas"], stdout=subprocess.PIPE, text=True, check=False
    )
    if fetched.returncode == 77:
        cannot("npm cannot install the schemas of Kubernetes")
    assert fetched.returncode == 0
    return Path(fetched.stdout.strip())


@pytest.fixture(scope="session")
def kchand(request: pytest.FixtureRequest) -> Path:
    return request.config.getoption("--build-dir") / "bridge/kchand"
