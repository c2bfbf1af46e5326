"""What Hydra takes from sizewise: its sweeper, its launcher, its callback.

Hydra imports these modules each time it starts, for tab completion too: what takes long to import
is imported where it is used.
"""
