"""Rich functions: open before the first record, close after the last, and know where they run.

    ./bin/pyflink-stream.sh examples/guide/rich_function.py

Prints:

    open: numbered (1/1)
    1. tea
    2. milk
    close: 2 records
"""

from org.apache.flink.api.common.functions import RichMapFunction


class Numbered(RichMapFunction):
    def open(self, config):
        self.task = self.getRuntimeContext().getTaskNameWithSubtasks()
        self.count = 0
        print("open:", self.task)

    def map(self, value):
        self.count += 1
        return f"{self.count}. {value}"

    def close(self):
        print("close:", self.count, "records")


def main(factory):
    env = factory.get_execution_environment()
    env.from_elements("tea", "milk").map(Numbered()).name("numbered").output()
    env.execute("Rich function")
