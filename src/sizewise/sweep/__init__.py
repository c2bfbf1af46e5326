"""Sweeps: many runs from one command, nested below one MLflow run, finished by running it again.

The parent process plans, drops what is finished, and reports (`parent`). Each run is a job (`job`),
in a worker of this machine (`pool`) or wherever another launcher puts it. They share the sweep's
folder: `sweep.json` tells the jobs what they belong to, and each leaves the state of its run there
under the run's key (`states`). Nobody knows a run by its job's number. What Hydra has to know of it
is in `hydra_plugins.sizewise`.
"""
