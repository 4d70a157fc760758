"""The packages that the GPU check needs are listed first, and installed from the bundle if they are missing."""

from __future__ import annotations

import os
import zipfile

import pytest
import torch

from vdworld.benchmarks.gpu import needs
from vdworld.benchmarks.gpu.needs import EVERYTHING, NEEDS, Need

ABSENT = Need("no-such-package", "no_such_module", EVERYTHING)


def test_a_missing_package_without_a_wheel_is_named_and_stops_the_check(capsys, tmp_path):
    assert needs.main([], needs=(NEEDS[0], ABSENT), bundle=tmp_path, start=lambda *_: pytest.fail("it began")) == 2
    printed = capsys.readouterr().out
    assert f"torch                    {torch.__version__}" in printed
    assert "no-such-package          MISSING" in printed
    assert "make gpu-bundle" in printed


def test_another_version_than_is_needed_counts_as_missing():
    for series, missing in (("", False), (torch.__version__[:3], False), ("0.", True)):
        need = Need("torch", "torch", "pictures", series=series)
        assert need.missing == missing
        assert ("WANTED 0.*" in needs.describe([need])) == missing


def test_a_package_that_only_one_part_needs_stops_nothing(capsys, tmp_path):
    absent = Need("no-such-package", "no_such_module", "pictures")
    assert needs.main(["seed=1"], needs=(absent,), bundle=tmp_path, start=lambda _, settings: len(settings)) == 1
    assert "It is needed for pictures." in capsys.readouterr().out


def test_bundled_wheels_are_installed_next_to_the_machine_s_own_packages(capsys, tmp_path):
    wheels = tmp_path / "wheels"
    wheels.mkdir()
    with zipfile.ZipFile(wheels / "no_such_package-1.0-py3-none-any.whl", "w") as wheel:
        wheel.writestr("no_such_module.py", "")
        about = "no_such_package-1.0.dist-info"
        wheel.writestr(f"{about}/METADATA", "Metadata-Version: 2.1\nName: no-such-package\nVersion: 1.0\n")
        wheel.writestr(f"{about}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr(f"{about}/RECORD", "")
    environments = []
    needs.main([], needs=(ABSENT,), bundle=tmp_path, start=lambda environment, _: environments.append(environment) or 0)
    assert (tmp_path / "site" / "no_such_module.py").is_file()
    assert str(tmp_path / "site") in environments[0]["PYTHONPATH"].split(os.pathsep)
    assert "Installed into" in capsys.readouterr().out
