"""Tasks: what is asked of a network. A file for each, which a data set's spec names.

To add one: write its file and name it in `TASKS`, as a text, so that a run's key sees the file of
its own task and of no other. Training, tracking, sweeps and the verdict know only `Task`.
"""

from importlib import import_module

from sizewise.tasks.task import Tally, Task

TASKS: dict[str, str] = {
    "classify": "sizewise.tasks.classify",
    "balanced": "sizewise.tasks.balanced",
    "next_byte": "sizewise.tasks.next_byte",
    "regress": "sizewise.tasks.regress",
    "transduce": "sizewise.tasks.transduce",
}

__all__ = ["TASKS", "Tally", "Task", "find_task"]


def find_task(name: str) -> Task:
    """Return the task of this name: `TASK` of its file."""
    task: Task = import_module(TASKS[name]).TASK
    return task
