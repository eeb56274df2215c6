"""What a rich function learns of where it runs."""

from __future__ import annotations


class RuntimeContext:
    """The subtask that a function belongs to. Index from 0; camelCase names are those of Flink's API."""

    def __init__(self, name: str, index: int, parallelism: int) -> None:
        self._name = name
        self._index = index
        self._parallelism = parallelism

    def get_task_name(self) -> str:
        return self._name

    def get_index_of_this_subtask(self) -> int:
        return self._index

    def get_number_of_parallel_subtasks(self) -> int:
        return self._parallelism

    def get_task_name_with_subtasks(self) -> str:
        """As ``Tokenizer (2/4)``, counted from 1."""
        return f"{self._name} ({self._index + 1}/{self._parallelism})"

    getTaskName = get_task_name
    getIndexOfThisSubtask = get_index_of_this_subtask
    getNumberOfParallelSubtasks = get_number_of_parallel_subtasks
    getTaskNameWithSubtasks = get_task_name_with_subtasks
