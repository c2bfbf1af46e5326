"""The training procedure of the article: initialise; forward and loss; gradient step; repeat."""
