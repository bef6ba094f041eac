"""Units: converts lengths, masses and temperatures. Run it with ``python -m mcp_assay.demo.units``."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Literal

from mcp.server.mcpserver.exceptions import ToolError
from pydantic import Field

from mcp_assay.demo.strict import Strict, StrictServer, tool

_METRES = {
    "mm": 0.001, "cm": 0.01, "m": 1.0, "km": 1000.0, "in": 0.0254, "ft": 0.3048, "yd": 0.9144, "mi": 1609.344,
}  # fmt: skip
_KILOGRAMS = {"mg": 1e-6, "g": 0.001, "kg": 1.0, "t": 1000.0, "oz": 0.028349523125, "lb": 0.45359237}
# Each scale as (kelvin per degree, kelvin at zero).
_KELVIN = {"K": (1.0, 0.0), "C": (1.0, 273.15), "F": (5 / 9, 459.67 * 5 / 9)}

Length = Literal["mm", "cm", "m", "km", "in", "ft", "yd", "mi"]
Mass = Literal["mg", "g", "kg", "t", "oz", "lb"]
Temperature = Literal["K", "C", "F"]
Amount = Annotated[float, Field(description="The amount to convert", ge=0, le=1e12, examples=[42])]
Degrees = Annotated[float, Field(description="The temperature to convert", ge=-1e6, le=1e6, examples=[21.5])]
Digits = Annotated[int, Field(description="Digits after the decimal point in the answer", ge=0, le=12)]


class Quantity(StrEnum):
    """What can be converted."""

    LENGTH = "length"
    MASS = "mass"
    TEMPERATURE = "temperature"


class Converted(Strict):
    """A converted amount."""

    value: float = Field(description="The amount in the target unit")
    unit: str = Field(description="The target unit")


class Units(Strict):
    """The units of one quantity."""

    quantity: Quantity = Field(description="What is measured")
    units: list[str] = Field(description="Symbols that the matching tool accepts")


async def convert_length(
    value: Amount,
    from_unit: Annotated[Length, Field(description="Unit of the given length")],
    to_unit: Annotated[Length, Field(description="Unit of the answer")],
    digits: Digits = 6,
) -> Converted:
    return Converted(value=round(value * _METRES[from_unit] / _METRES[to_unit], digits), unit=to_unit)


async def convert_mass(
    value: Amount,
    from_unit: Annotated[Mass, Field(description="Unit of the given mass")],
    to_unit: Annotated[Mass, Field(description="Unit of the answer")],
    digits: Digits = 6,
) -> Converted:
    return Converted(value=round(value * _KILOGRAMS[from_unit] / _KILOGRAMS[to_unit], digits), unit=to_unit)


async def convert_temperature(
    value: Degrees,
    from_unit: Annotated[Temperature, Field(description="Scale of the given temperature")],
    to_unit: Annotated[Temperature, Field(description="Scale of the answer")],
    digits: Digits = 2,
) -> Converted:
    step, zero = _KELVIN[from_unit]
    kelvin = value * step + zero
    # Absolute zero itself is legitimate on every scale; floats put it a hair off.
    if kelvin < -1e-9:
        raise ToolError(f"{value} {from_unit} is below absolute zero; the lowest value is {-zero / step:g}")
    target_step, target_zero = _KELVIN[to_unit]
    # Adding zero turns -0.0 into 0.0.
    return Converted(value=round((kelvin - target_zero) / target_step, digits) + 0.0, unit=to_unit)


async def list_units(
    quantity: Annotated[Quantity, Field(description="Quantity whose units are wanted")],
) -> Units:
    symbols = {Quantity.LENGTH: [*_METRES], Quantity.MASS: [*_KILOGRAMS], Quantity.TEMPERATURE: [*_KELVIN]}
    return Units(quantity=quantity, units=symbols[quantity])


def server() -> StrictServer:
    """Return the units server."""
    return StrictServer(
        "units",
        title="Units",
        description="Converts lengths, masses and temperatures",
        instructions="Pick the tool by quantity; list_units names the symbols it accepts.",
        tools=[
            tool(convert_length, title="Convert a length", description="Return a length in another unit of length."),
            tool(convert_mass, title="Convert a mass", description="Return a mass in another unit of mass."),
            tool(
                convert_temperature,
                title="Convert a temperature",
                description="Return a temperature on another scale; values below absolute zero are refused.",
            ),
            tool(list_units, title="List units", description="Return the unit symbols known for one quantity."),
        ],
    )


if __name__ == "__main__":
    server().run()
