"""A plan on an Apache Flink cluster: Flink schedules, ships and restores; our chains do the work on each record."""
