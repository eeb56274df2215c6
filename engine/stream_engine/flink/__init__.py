"""A plan on an Apache Flink cluster: Flink schedules, ships and restores; our chains do the work on each record.

The rooms are named by process: ``client`` is that of the script, ``worker`` a Python worker of the cluster. Both share
the modules beside them.
"""
