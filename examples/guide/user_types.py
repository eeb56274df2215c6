"""Records of one's own class, alone and in tuples.

    ./bin/pyflink-stream.sh examples/guide/user_types.py

Prints:

    Ada, 37 years old
    Blaise, 40 years old
"""

from org.apache.flink.api.common.functions import MapFunction


class Person:
    def __init__(self, name, age):
        self.name = name
        self.age = age

    def __str__(self):
        return f"{self.name}, {self.age} years old"


class ToPerson(MapFunction):
    def map(self, value):
        return (1, Person(*value))


class Older(MapFunction):
    def map(self, value):
        years, person = value
        return Person(person.name, person.age + years)


def main(factory):
    env = factory.get_execution_environment()
    env.from_elements(("Ada", 36), ("Blaise", 39)).map(ToPerson()).map(Older()).output()
    env.execute("User types")
