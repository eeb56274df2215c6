"""Sources: from_elements, each argument a record; from_collection, each element one.

    ./bin/pyflink-stream.sh examples/guide/from_elements.py

Prints, in some order:

    elements> tea
    elements> 2
    elements> ('milk', 3)
    list> ['tea', 2]
    list> ['milk', 3]
    generator> 0
    generator> 1
    generator> 4
"""


def main(factory):
    env = factory.get_execution_environment()
    env.from_elements("tea", 2, ("milk", 3)).output("elements")
    env.from_collection([["tea", 2], ["milk", 3]]).output("list")
    env.from_collection(number**2 for number in range(3)).output("generator")
    env.execute("Collections")
