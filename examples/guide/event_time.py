"""Event time: windows go by the time that is in the records, whenever they come.

    ./bin/pyflink-stream.sh examples/guide/event_time.py

The warmest reading of each ten seconds; readings may be up to five seconds late.

Prints:

    ('roof', 8, 22)
    ('roof', 11, 24)
    ('roof', 25, 19)
"""

from org.apache.flink.api.common.functions import ReduceFunction
from org.apache.flink.api.java.functions import KeySelector
from org.apache.flink.streaming.api import TimeCharacteristic
from org.apache.flink.streaming.api.functions.timestamps import BoundedOutOfOrdernessTimestampExtractor
from org.apache.flink.streaming.api.windowing.time.Time import seconds


class ReadingTime(BoundedOutOfOrdernessTimestampExtractor):
    def extractTimestamp(self, reading):
        return reading[1] * 1000


class BySensor(KeySelector):
    def getKey(self, reading):
        return reading[0]


class Warmest(ReduceFunction):
    def reduce(self, reading1, reading2):
        return max(reading1, reading2, key=lambda reading: reading[2])


def main(factory):
    env = factory.get_execution_environment()
    env.set_stream_time_characteristic(TimeCharacteristic.EventTime)
    # Sensor, second, degrees. The reading of second 8 comes after that of second 11.
    readings = env.from_elements(("roof", 3, 20), ("roof", 11, 24), ("roof", 8, 22), ("roof", 14, 23), ("roof", 25, 19))
    timed = readings.assign_timestamps_and_watermarks(ReadingTime(seconds(5)))
    timed.key_by(BySensor()).time_window(seconds(10)).reduce(Warmest()).output()
    env.execute("Event time")
