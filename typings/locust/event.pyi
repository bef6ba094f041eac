from typing import Any

class EventHook:
    def fire(self, *, reverse: bool = False, **kwargs: Any) -> None: ...

class Events:
    request: EventHook
    user_error: EventHook
