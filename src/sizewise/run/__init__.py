"""One run, end to end: data, network, training, test, costs, record.

It imports nothing, so that `run.folder`, which stands low in the table of rooms, brings nothing
along: what is wanted is imported from its own module, as in `from sizewise.run.run import run`.
"""
