"""A clock: reads the time, changes nothing. Run it with ``python -m mcp_assay.demo.clock``."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import Annotated
from zoneinfo import ZoneInfo, available_timezones

from mcp.server.mcpserver.exceptions import ToolError
from pydantic import Field

from mcp_assay.demo.strict import Strict, StrictServer, tool

_WISHED_ZONES = (
    "Africa/Lagos",
    "America/Los_Angeles",
    "America/New_York",
    "America/Sao_Paulo",
    "Asia/Kolkata",
    "Asia/Shanghai",
    "Asia/Tokyo",
    "Australia/Sydney",
    "Europe/Berlin",
    "Europe/London",
    "Pacific/Auckland",
)
# A slim container may lack the time zone database: only what can be answered is offered.
ZONES = ("UTC", *sorted(set(_WISHED_ZONES) & available_timezones()))

_DAY = "(?:19[7-9][0-9]|20[0-9]{2})-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])"

Zone = Annotated[
    str, Field(description="IANA name of a time zone", json_schema_extra={"enum": [*ZONES]}, examples=["UTC"])
]
LocalTime = Annotated[
    str,
    Field(
        description="Local date and time, 1970 to 2099, as YYYY-MM-DDTHH:MM",
        pattern=f"^{_DAY}T(?:[01][0-9]|2[0-3]):[0-5][0-9]$",
        examples=["2026-07-28T09:30"],
    ),
]
Day = Annotated[
    str, Field(description="Date, 1970 to 2099, as YYYY-MM-DD", pattern=f"^{_DAY}$", examples=["2026-07-28"])
]


class Moment(Strict):
    """A point in time as a clock in one zone shows it."""

    zone: str = Field(description="IANA name of the time zone")
    local: str = Field(description="Local time with its offset, ISO 8601")
    weekday: str = Field(description="English name of the weekday")
    utc_offset_minutes: int = Field(description="Minutes that the zone is ahead of UTC")


class Conversion(Strict):
    """One point in time in two zones."""

    source: Moment = Field(description="The time that was given")
    target: Moment = Field(description="The same point in time in the other zone")


class Span(Strict):
    """The distance between two dates."""

    days: int = Field(description="Whole days from start to end; negative when end is earlier")
    weeks: int = Field(description="Whole weeks in it, without sign")
    remaining_days: int = Field(description="Days beyond the whole weeks, without sign", ge=0, le=6)


async def now(zone: Zone = "UTC") -> Moment:
    return _moment(datetime.now(_zone(zone)).replace(microsecond=0), zone)


async def convert_time(moment: LocalTime, from_zone: Zone, to_zone: Zone) -> Conversion:
    source = _parsed(moment).replace(tzinfo=_zone(from_zone))
    return Conversion(source=_moment(source, from_zone), target=_moment(source.astimezone(_zone(to_zone)), to_zone))


async def days_between(start: Day, end: Day) -> Span:
    days = (_parsed(end) - _parsed(start)).days
    weeks, remaining = divmod(abs(days), 7)
    return Span(days=days, weeks=weeks, remaining_days=remaining)


def _zone(name: str) -> tzinfo:
    """Return the zone; UTC needs no database."""
    return UTC if name == "UTC" else ZoneInfo(name)


def _parsed(text: str) -> datetime:
    """Return a text that fits the pattern as a naive time, or report a day that its month does not have."""
    try:
        return datetime.fromisoformat(text)
    except ValueError as problem:
        raise ToolError(f"There is no such date: {text}") from problem


def _moment(moment: datetime, zone: str) -> Moment:
    """Return a zoned time as the value that clients see."""
    offset = moment.utcoffset() or timedelta()
    return Moment(
        zone=zone,
        local=moment.isoformat(),
        weekday=f"{date(moment.year, moment.month, moment.day):%A}",
        utc_offset_minutes=round(offset.total_seconds() / 60),
    )


def server() -> StrictServer:
    """Return the clock server."""
    return StrictServer(
        "clock",
        title="Clock",
        description="Tells the time and converts between time zones",
        instructions="Call now for the current time; convert_time and days_between need no current time.",
        tools=[
            tool(now, title="Current time", description="Return the current time in a time zone, to the second."),
            tool(
                convert_time,
                title="Convert between time zones",
                description="Return what a clock in another time zone shows at the given local time.",
            ),
            tool(
                days_between,
                title="Days between dates",
                description="Return the number of days and whole weeks from one date to another.",
            ),
        ],
    )


if __name__ == "__main__":
    server().run()
