class StopUser(Exception): ...  # noqa: N818  (Locust's name)
