"""What earlier runs measured, and whether this one is worse than their noise explains.

`points` reads the figures of a run off its report, `database` keeps them, `trends` judges a series, `origin` says which
commit and which machine they belong to. Only `database` and `address` need SQLAlchemy.
"""
