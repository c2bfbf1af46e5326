"""How big for these data, within this time: propose, estimate, run, analyse, until told or over.

What is trained next is decided by `policy`, a function of what has been seen, recorded seconds
included; `log` writes each decision down; `session` does what was decided, and holds the budget.
All of it looks at a test split within the training samples (`data.inner_test`): the set's own is
read once, by the model that is advised.
"""
