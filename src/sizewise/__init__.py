"""sizewise answers one question with evidence: how big does a model need to be?"""

from sizewise.threads import spin_briefly

__version__ = "0.1.0"

spin_briefly()
