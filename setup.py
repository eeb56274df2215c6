"""Which packages there are: setup.cfg can look for them below one directory only, and they live below two."""

from __future__ import annotations

from setuptools import find_namespace_packages, setup

setup(
    package_dir={"": "engine", "pyflink_stream": "runner/pyflink_stream"},
    packages=[
        package
        for root in ("engine", "runner")
        for package in find_namespace_packages(root)
        if "__pycache__" not in package
    ],
)
