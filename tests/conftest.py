"""What every test folder shares."""

from hypothesis import settings

pytest_plugins = ["pytester"]

# How long an example takes says something of the machine's other work, not of the code.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")
