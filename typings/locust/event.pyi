from collections.abc import Callable
from typing import Any

class EventHook:
    def add_listener(self, handler: Callable[..., object]) -> Callable[..., object]: ...
    def fire(self, *, reverse: bool = False, **kwargs: Any) -> None: ...

class Events:
    quitting: EventHook
    request: EventHook
    user_error: EventHook
