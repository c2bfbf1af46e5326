"""Sweeps: many runs from one command, nested below one MLflow run, finished by running it again.

The parent process plans and reports (`callback`); each run is a Hydra job, often in a process of
its own (`job`). They share the sweep's folder: `sweep.json` tells the jobs what they belong to,
and each job leaves `record.jsonl` or `error.txt` in its own folder, which the parent reads.
"""
