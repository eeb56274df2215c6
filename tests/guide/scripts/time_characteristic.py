"""The clock of time windows: every record is in one window, whichever it is."""

from __future__ import annotations

from org.apache.flink.api.common.functions import ReduceFunction
from org.apache.flink.api.java.functions import KeySelector
from org.apache.flink.streaming.api import TimeCharacteristic
from org.apache.flink.streaming.api.windowing.time.Time import days


class Same(KeySelector):
    def getKey(self, value):
        return "all"


class Sum(ReduceFunction):
    def reduce(self, value1, value2):
        return value1 + value2


def main(factory):
    env = factory.get_execution_environment()
    for characteristic in (TimeCharacteristic.EventTime, TimeCharacteristic.ProcessingTime):
        env.set_stream_time_characteristic(characteristic)
        print(env.get_stream_time_characteristic().name, flush=True)
    env.generate_sequence(1, 10).key_by(Same()).time_window(days(365 * 1000)).reduce(Sum()).output()
    env.execute("time characteristic")
