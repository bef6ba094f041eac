"""Notes, kept in memory: tools that read, add and delete, resources, a prompt and completion.

Run it with ``python -m mcp_assay.demo.notes``. Every process starts with the same two notes and forgets the rest.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated

from mcp.server.mcpserver import Context  # noqa: TC002  (the SDK evaluates the annotations)
from mcp.server.mcpserver.exceptions import ResourceNotFoundError, ToolError
from mcp.shared.exceptions import MCPError
from mcp_types import INVALID_PARAMS, Annotations, Completion, PromptReference, ToolAnnotations
from pydantic import Field

from mcp_assay.demo.strict import Strict, StrictServer, tool

if TYPE_CHECKING:
    from mcp.server.mcpserver.tools import Tool
    from mcp_types import CompletionArgument, CompletionContext, ResourceTemplateReference

INDEX = "notes://index"
ONE_NOTE = "notes://note/{id}"
MOST_NOTES = 1000

_ADDS = ToolAnnotations(read_only_hint=False, destructive_hint=False, idempotent_hint=False, open_world_hint=False)
_DELETES = ToolAnnotations(read_only_hint=False, destructive_hint=True, idempotent_hint=True, open_world_hint=False)

NoteId = Annotated[
    str, Field(description="Id of a note, as list_notes returns it", pattern="^n[0-9]{1,9}$", examples=["n1"])
]
Title = Annotated[str, Field(description="One line that says what the note is about", min_length=1, max_length=120)]
Body = Annotated[str, Field(description="The text of the note", max_length=10_000)]
Tag = Annotated[str, Field(description="A word to find notes by", pattern="^[a-z][a-z0-9-]{0,29}$")]


class Note(Strict):
    """A note."""

    id: str = Field(description="Id of the note")
    title: str = Field(description="What the note is about")
    body: str = Field(description="The text of the note")
    tags: list[str] = Field(description="Words to find the note by, sorted")


class Heading(Strict):
    """A note without its text."""

    id: str = Field(description="Id of the note")
    title: str = Field(description="What the note is about")


class Headings(Strict):
    """Several notes without their texts."""

    notes: list[Heading] = Field(description="The notes, oldest first")
    total: int = Field(description="How many notes match, also beyond the limit", ge=0)


class Deletion(Strict):
    """What a deletion did."""

    id: str = Field(description="Id that was given")
    deleted: bool = Field(description="Whether there was such a note")


@dataclass(slots=True)
class Notebook:
    """The notes of one process and the tools on them.

    Attributes:
        notes: The notes by id, oldest first.
        created: How many were ever made, so that ids are never reused.
    """

    notes: dict[str, Note] = field(default_factory=dict[str, Note])
    created: int = 0

    def write(self, title: str, body: str, tags: list[str]) -> Note:
        """Return a new note under a new id."""
        self.created += 1
        note = Note(id=f"n{self.created}", title=title, body=body, tags=sorted(set(tags)))
        self.notes[note.id] = note
        return note

    async def list_notes(
        self,
        tag: Annotated[
            str, Field(description="Only notes with this tag; empty for all", pattern="^([a-z][a-z0-9-]{0,29})?$")
        ] = "",
        limit: Annotated[int, Field(description="Most notes to return", ge=1, le=100)] = 50,
    ) -> Headings:
        """Return the notes with a tag, without their texts."""
        return _headings([note for note in self.notes.values() if not tag or tag in note.tags], limit)

    async def get_note(self, id: NoteId) -> Note:  # noqa: A002  (the name that callers see)
        """Return one note.

        Raises:
            ToolError: There is no such note.
        """
        note = self.notes.get(id)
        if note is None:
            raise ToolError(f"There is no note {id}; list_notes returns the ids there are")
        return note

    async def search_notes(
        self,
        query: Annotated[str, Field(description="Text to look for, in any case", min_length=1, max_length=100)],
        context: Context,
        limit: Annotated[int, Field(description="Most notes to return", ge=1, le=100)] = 50,
    ) -> Headings:
        """Return the notes that contain a text, and tell how far the search is."""
        wanted, found, notes = query.casefold(), list[Note](), list(self.notes.values())
        for number, note in enumerate(notes, start=1):
            if wanted in f"{note.title}\n{note.body}".casefold():
                found.append(note)
            await context.report_progress(number, len(notes))
        return _headings(found, limit)

    async def add_note(
        self,
        title: Title,
        context: Context,
        body: Body = "",
        tags: Annotated[list[Tag], Field(description="Words to find the note by", max_length=10)] = [],  # noqa: B006  (SDK reads it as the schema's default; never changed)
    ) -> Note:
        """Return a new note.

        Raises:
            ToolError: There are too many notes.
        """
        if len(self.notes) >= MOST_NOTES:
            raise ToolError(f"There are {MOST_NOTES} notes already; delete some first")
        note = self.write(title, body, tags)
        await context.notify_resource_updated(INDEX)
        return note

    async def delete_note(self, id: NoteId, context: Context) -> Deletion:  # noqa: A002  (the name that callers see)
        """Return whether there was such a note; afterwards there is none."""
        deleted = self.notes.pop(id, None) is not None
        if deleted:
            await context.notify_resource_updated(INDEX)
        return Deletion(id=id, deleted=deleted)

    def index(self) -> str:
        """Return all headings as JSON."""
        return _headings(list(self.notes.values()), MOST_NOTES).model_dump_json()

    def read(self, id: str) -> str:  # noqa: A002  (must match the template)
        """Return one note as Markdown."""
        note = self.notes.get(id)
        if note is None:
            raise ResourceNotFoundError(f"Unknown resource: notes://note/{id}")
        return f"# {note.title}\n\n{note.body}\n"

    def summarise_note(
        self,
        id: Annotated[str, Field(description="Id of the note to summarise")],  # noqa: A002  (the name that callers see)
    ) -> str:
        """Return the request to a model."""
        note = self.notes.get(id)
        if note is None:
            raise MCPError(code=INVALID_PARAMS, message=f"There is no note {id[:40]}")
        return f"Summarise this note in one sentence.\n\n# {note.title}\n\n{note.body}"

    def review_notes(self) -> str:
        """Return the request to a model."""
        titles = "\n".join(f"- {note.id}: {note.title}" for note in self.notes.values())
        return f"Which of these notes are out of date? Answer with their ids.\n\n{titles}"

    async def complete(
        self,
        ref: PromptReference | ResourceTemplateReference,
        argument: CompletionArgument,
        context: CompletionContext | None,  # noqa: ARG002  (the SDK hands it over)
    ) -> Completion:
        """Return the ids that start with what was typed."""
        known = ref.name == "summarise_note" if isinstance(ref, PromptReference) else ref.uri == ONE_NOTE
        if not known or argument.name != "id":
            raise MCPError(code=INVALID_PARAMS, message="Nothing can be completed there")
        matching = [note for note in self.notes if note.startswith(argument.value)]
        return Completion(values=matching[:100], total=len(matching), has_more=len(matching) > 100)


def _headings(notes: list[Note], limit: int) -> Headings:
    """Return the first ``limit`` notes without their texts."""
    return Headings(notes=[Heading(id=note.id, title=note.title) for note in notes[:limit]], total=len(notes))


def _tools(book: Notebook) -> list[Tool]:
    """Return the tools on a notebook, each with hints that hold."""
    return [
        tool(book.list_notes, title="List notes", description="Return ids and titles of the notes, oldest first."),
        tool(book.get_note, title="Get a note", description="Return one note with its text and tags."),
        tool(
            book.search_notes,
            title="Search notes",
            description="Return ids and titles of the notes that contain a text, oldest first.",
        ),
        tool(
            book.add_note,
            title="Add a note",
            description="Keep a new note until the server ends, and return it with its id.",
            annotations=_ADDS,
        ),
        tool(
            book.delete_note,
            title="Delete a note",
            description="Forget a note; deleting one that is not there changes nothing.",
            annotations=_DELETES,
        ),
    ]


def server() -> StrictServer:
    """Return the notes server with two notes in it."""
    book = Notebook()
    book.write("Welcome", "Notes live as long as the server.", ["help"])
    book.write("Shopping", "Bread, milk, coffee.", ["errand", "home"])
    made = StrictServer(
        "notes",
        title="Notes",
        description="Keeps short notes in memory",
        instructions="Ids come from list_notes or add_note. Notes are gone when the server ends.",
        tools=_tools(book),
    )
    made.resource(
        INDEX,
        name="index",
        title="All notes",
        description="Ids and titles of all notes",
        mime_type="application/json",
        annotations=Annotations(audience=["user", "assistant"], priority=0.5),
    )(book.index)
    made.resource(
        ONE_NOTE, name="note", title="One note", description="One note as Markdown", mime_type="text/markdown"
    )(book.read)
    made.prompt(title="Review notes", description="Ask which notes are out of date")(book.review_notes)
    made.prompt(title="Summarise a note", description="Ask for a summary of one note in a single sentence")(
        book.summarise_note
    )
    made.completion()(book.complete)  # type: ignore[no-untyped-call]  # the SDK leaves it untyped
    return made


if __name__ == "__main__":
    server().run()
