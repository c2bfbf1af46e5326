"""Sweeps: many runs from one command, nested below one MLflow run, finished by running it again.

The parent process plans and reports (`callback`); each run is a Hydra job, often in a process of
its own (`job`). They share the sweep's folder: `sweep.json` tells the jobs what they belong to,
and each job leaves the state of its run there under the run's key (`states`), which the parent
reads. Nobody knows a run by its job's number.
"""
