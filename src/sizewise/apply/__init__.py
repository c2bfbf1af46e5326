"""What can be done with a run that is finished."""
