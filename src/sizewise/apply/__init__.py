"""What each command of `sizewise` does, in a file of its name: `run(arguments)`."""
