from argparse import Namespace

from locust.event import Events

class Environment:
    events: Events
    parsed_options: Namespace | None
    process_exit_code: int | None
