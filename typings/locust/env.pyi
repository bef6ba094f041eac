from locust.event import Events

class Environment:
    events: Events
