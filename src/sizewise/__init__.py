"""sizewise answers one question with evidence: how big does a model need to be?"""

__version__ = "0.1.0"
