"""Methods of before deep learning: estimators on features made by hand, and how they are stored."""
