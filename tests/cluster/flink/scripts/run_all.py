"""Runs several programs as the jobs of one script, each behind a line with its name.

Parameters: a directory for files, the ports of two servers, and the names of programs: modules with a main(factory),
which are this script's packages, and plans of ``plans``.
"""

from __future__ import annotations

import importlib
import os
import sys

import plans

PARAMETERS = {
    "read_text": lambda directory, get, send: [os.path.join(directory, "words.txt")],
    "write_as_text": lambda directory, get, send: [os.path.join(directory, "written")],
    "socket_source": lambda directory, get, send: ["localhost", get],
    "write_to_socket": lambda directory, get, send: ["localhost", send],
}


def main(factory):
    script, directory, get, send, *names = sys.argv
    for name in names:
        print(f"-- {name}", flush=True)
        plan = plans.PLANS.get(name)
        if plan is not None:
            env = factory.get_execution_environment()
            plan(env, directory)
            env.execute(name)
        else:
            module = importlib.import_module(name)
            sys.argv = [script, *PARAMETERS[name](directory, get, send)] if name in PARAMETERS else [script]
            module.main(factory)
    print("-- end", flush=True)
