"""The only door to Kaggle's own client.

In: the person's credentials, wherever that client finds them. Out: the competition's files, what
was submitted, the board; or one sentence on what went wrong. What always holds: importing this
imports nothing of Kaggle's; every call ends within a bound; no text that comes out holds a secret.
"""

COMPETITION = "digit-recognizer"
PAGE = f"https://www.kaggle.com/competitions/{COMPETITION}"
