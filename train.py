"""Train one network, or sweep: `python train.py --help`."""

from sizewise.train import main

if __name__ == "__main__":
    main()
