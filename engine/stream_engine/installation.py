"""Commands that install missing packages for this Python, ready to be copied."""

from __future__ import annotations

import os
import shlex
import sys

_CHECKOUT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
# Packages whose names differ from those of their modules.
_PACKAGES = {
    "PIL": "pillow",
    "bs4": "beautifulsoup4",
    "confluent_kafka": "confluent-kafka",
    "cv2": "opencv-python",
    "dateutil": "python-dateutil",
    "kafka": "kafka-python",
    "sklearn": "scikit-learn",
    "yaml": "pyyaml",
    "zmq": "pyzmq",
}
_OTHERS = {
    "pyflink": (
        "That is PyFlink, another API: import from org.apache.flink..., "
        "and take the environment from the factory that main(factory) is given"
    ),
    "flink": (
        "That is Flink's batch API: streams are imported from org.apache.flink..., "
        "and begin with the factory that main(factory) is given"
    ),
}


def extra(name: str) -> str:
    """The command that installs an extra of this project."""
    if os.path.exists(os.path.join(_CHECKOUT, "bin", "venv.sh")):
        return f"{shlex.quote(os.path.relpath(os.path.join(_CHECKOUT, 'bin', 'venv.sh')))} {name}"
    return f"{_pip()} 'pyflink-stream[{name}]'"


def missing_module(error: BaseException) -> str:
    """What to do about a missing module that the script imports, without a full stop; empty for other errors."""
    name = error.name if isinstance(error, ModuleNotFoundError) else None
    if not name or "." in name or name in sys.stdlib_module_names:
        return ""
    if name in _OTHERS:
        return _OTHERS[name]
    here = next((path for path in (name, f"{name}.py") if os.path.exists(path)), None)
    if here:
        return f"{here} is in the working directory: name it behind the script, as a PACKAGE"
    return f"Install it with {_pip()} {_PACKAGES.get(name, name)}, or name it behind the script, as a PACKAGE"


def _pip() -> str:
    return f"{shlex.quote(sys.executable)} -m pip install"
