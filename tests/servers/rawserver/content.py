"""The resources, templates, prompts and completions of the well-behaved server."""

from __future__ import annotations

from rawserver.protocol import text

PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
WAV = "UklGRiYAAABXQVZFZm10IBAAAAABAAEAQB8AAEAfAAABAAgAZGF0YQIAAACAgA=="

_TEXTS = {
    "raw://readme": "A server for tests.",
    "raw://today": "Nothing planned.",
    "raw://unicode": "Zwölf Boxkämpfer 𝄞 \u2603",
}
_ITEMS = ("1", "2", "3")
_TONES = ("friendly", "formal", "funny")

COMPLETIONS = {
    ("ref/prompt", "greet", "tone"): _TONES,
    ("ref/prompt", "greet", "name"): ("Ada", "Alan", "Grace"),
    ("ref/resource", "raw://item/{id}", "id"): _ITEMS,
}


def resources():
    """Return fresh definitions of the resources."""
    texts = [
        {
            "uri": uri,
            "name": uri.removeprefix("raw://"),
            "title": uri.removeprefix("raw://").title(),
            "description": f"The text {uri.removeprefix('raw://')}",
            "mimeType": "text/plain",
            "size": len(body.encode()),
            "annotations": {"audience": ["user"], "priority": 0.5, "lastModified": "2026-07-28T12:00:00Z"},
        }
        for uri, body in _TEXTS.items()
    ]
    logo = {"uri": "raw://logo", "name": "logo", "description": "A picture of one pixel", "mimeType": "image/png"}
    return [*texts, logo]


def templates():
    """Return fresh definitions of the resource templates."""
    return [
        {
            "uriTemplate": "raw://item/{id}",
            "name": "item",
            "title": "Item",
            "description": "One of three items",
            "mimeType": "text/plain",
        }
    ]


def contents(uri):
    """Return the contents of a resource, or None when there is none."""
    if uri in _TEXTS:
        return {"uri": uri, "mimeType": "text/plain", "text": _TEXTS[uri]}
    if uri == "raw://logo":
        return {"uri": uri, "mimeType": "image/png", "blob": PNG}
    item = uri.removeprefix("raw://item/")
    return {"uri": uri, "mimeType": "text/plain", "text": f"Item {item}"} if item in _ITEMS else None


def prompts():
    """Return fresh definitions of the prompts."""
    name = {"name": "name", "description": "Whom to greet", "required": True}
    tone = {"name": "tone", "description": "How to say it", "required": False}
    rows = [
        ("greet", "Ask for a greeting of somebody", [name, tone]),
        ("farewell", "Ask for a farewell to somebody", [name]),
        ("show", "Show a picture and a text to a model", []),
        ("plain", "Ask for a single word", []),
    ]
    listed = [
        {"name": name, "title": name.title(), "description": description, "arguments": arguments}
        for name, description, arguments in rows
    ]
    listed[-1]["icons"] = [{"src": f"data:image/png;base64,{PNG}", "mimeType": "image/png", "sizes": ["1x1"]}]
    return listed


def messages(name, arguments):
    """Return the messages of a prompt."""
    if name == "show":
        return [
            {"role": "user", "content": {"type": "image", "data": PNG, "mimeType": "image/png"}},
            {"role": "user", "content": {"type": "resource", "resource": contents("raw://readme")}},
        ]
    if name == "plain":
        return [{"role": "user", "content": text("Say one word.")}]
    verb = {"greet": "Greet", "farewell": "Say farewell to"}[name]
    return [{"role": "user", "content": text(f"{verb} {arguments['name']} in a {arguments.get('tone', 'plain')} way.")}]
