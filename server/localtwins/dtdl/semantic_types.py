"""Semantic types and their units: native in DTDL 2, through the quantitativeTypes extension in DTDL 3.

DTDL 3 kept all types and units of DTDL 2 and added more; the additions stand in tables of their own.
"""

from collections.abc import Mapping
from typing import Final

_TYPES_OF_2: Final = """
AccelerationUnit: Acceleration
AngleUnit: Angle Latitude Longitude
AngularAccelerationUnit: AngularAcceleration
AngularVelocityUnit: AngularVelocity
AreaUnit: Area
CapacitanceUnit: Capacitance
ChargeUnit: ElectricCharge
CurrentUnit: Current
DataRateUnit: DataRate
DataSizeUnit: DataSize
DensityUnit: Density Humidity
EnergyUnit: Energy
ForceUnit: Force Thrust
FrequencyUnit: Frequency
IlluminanceUnit: Illuminance
InductanceUnit: Inductance
LengthUnit: Distance Length
LuminanceUnit: Luminance
LuminousFluxUnit: LuminousFlux
LuminousIntensityUnit: LuminousIntensity
MagneticFluxUnit: MagneticFlux
MagneticInductionUnit: MagneticInduction
MassFlowRateUnit: MassFlowRate
MassUnit: Mass
PowerUnit: Luminosity Power
PressureUnit: Pressure
ResistanceUnit: Resistance
SoundPressureUnit: SoundPressure
TemperatureUnit: Temperature
TimeUnit: TimeSpan
TorqueUnit: Torque
Unitless: RelativeHumidity
VelocityUnit: Velocity
VoltageUnit: Voltage
VolumeFlowRateUnit: VolumeFlowRate
VolumeUnit: Volume
"""
"""Each line is a unit type and the semantic types that are measured in it."""

_UNITS_OF_2: Final = """
AccelerationUnit: centimetrePerSecondSquared gForce metrePerSecondSquared
AngleUnit: degreeOfArc minuteOfArc radian secondOfArc turn
AngularAccelerationUnit: radianPerSecondSquared
AngularVelocityUnit: degreePerSecond radianPerSecond revolutionPerMinute revolutionPerSecond
AreaUnit: acre hectare squareCentimetre squareFoot squareInch squareKilometre squareMetre squareMillimetre
CapacitanceUnit: farad microfarad millifarad nanofarad picofarad
ChargeUnit: coulomb
CurrentUnit: ampere microampere milliampere
DataRateUnit: bitPerSecond bytePerSecond exbibitPerSecond exbibytePerSecond gibibitPerSecond gibibytePerSecond
    kibibitPerSecond kibibytePerSecond mebibitPerSecond mebibytePerSecond tebibitPerSecond tebibytePerSecond
    yobibitPerSecond yobibytePerSecond zebibitPerSecond zebibytePerSecond
DataSizeUnit: bit byte exbibit exbibyte gibibit gibibyte kibibit kibibyte mebibit mebibyte tebibit tebibyte yobibit
    yobibyte zebibit zebibyte
DensityUnit: gramPerCubicMetre kilogramPerCubicMetre
EnergyUnit: electronvolt gigajoule joule kilojoule kilowattHour megaelectronvolt megajoule
ForceUnit: newton ounce pound ton
FrequencyUnit: gigahertz hertz kilohertz megahertz
IlluminanceUnit: footcandle lux
InductanceUnit: henry microhenry millihenry
LengthUnit: astronomicalUnit centimetre foot inch kilometre metre micrometre mile millimetre nanometre nauticalMile
LuminanceUnit: candelaPerSquareMetre
LuminousFluxUnit: lumen
LuminousIntensityUnit: candela
MagneticFluxUnit: maxwell weber
MagneticInductionUnit: tesla
MassFlowRateUnit: gramPerHour gramPerSecond kilogramPerHour kilogramPerSecond
MassUnit: gram kilogram microgram milligram slug tonne
PowerUnit: gigawatt horsepower kilowatt kilowattHourPerYear megawatt microwatt milliwatt watt
PressureUnit: bar inchesOfMercury inchesOfWater kilopascal millibar millimetresOfMercury pascal poundPerSquareInch
ResistanceUnit: kiloohm megaohm milliohm ohm
SoundPressureUnit: bel decibel
TemperatureUnit: degreeCelsius degreeFahrenheit kelvin
TimeUnit: day hour microsecond millisecond minute nanosecond second year
TorqueUnit: newtonMetre
Unitless: percent unity
VelocityUnit: centimetrePerSecond kilometrePerHour kilometrePerSecond knot metrePerHour metrePerSecond milePerHour
    milePerSecond
VoltageUnit: kilovolt megavolt microvolt millivolt volt
VolumeFlowRateUnit: litrePerHour litrePerSecond millilitrePerHour millilitrePerSecond
VolumeUnit: cubicCentimetre cubicFoot cubicInch cubicMetre fluidOunce gallon litre millilitre
"""
"""Each line is a unit type and its units."""

_TYPES_ADDED_IN_3: Final = """
ApparentEnergyUnit: ApparentEnergy
ApparentPowerUnit: ApparentPower
IonizingRadiationDoseUnit: IonizingRadiationDose
IrradianceUnit: Irradiance
PowerUnit: EnergyRate
RadioactivityUnit: Radioactivity
ReactiveEnergyUnit: ReactiveEnergy
ReactivePowerUnit: ReactivePower
Unitless: Concentration RelativeDensity
"""
"""In the form of the table of DTDL 2."""

_UNITS_ADDED_IN_3: Final = """
ApparentEnergyUnit: gigavoltAmpereHour kilovoltAmpereHour megavoltAmpereHour voltAmpereHour
ApparentPowerUnit: gigavoltAmpere kilovoltAmpere megavoltAmpere millivoltAmpere voltAmpere
ChargeUnit: ampereHour milliampereHour
CurrentUnit: kiloampere
DensityUnit: microgramPerCubicMetre milligramPerCubicMetre
EnergyUnit: britishThermalUnit gigawattHour kiloBritishThermalUnit megawattHour milliwattHour terawattHour wattHour
FrequencyUnit: millihertz
IonizingRadiationDoseUnit: gray microgray microsievert milligray millisievert sievert
IrradianceUnit: wattPerSquareMetre
MagneticInductionUnit: gauss
MassFlowRateUnit: massPoundPerHour
MassUnit: massPound
PowerUnit: britishThermalUnitPerHour gigajoulePerHour joulePerHour joulePerSecond kiloBritishThermalUnitPerHour
    kilojoulePerHour kilojoulePerSecond megajoulePerHour tonOfRefrigeration
PressureUnit: decapascal hectopascal
RadioactivityUnit: becquerel gigabecquerel kilobecquerel megabecquerel
ReactiveEnergyUnit: gigavoltAmpereReactiveHour kilovoltAmpereReactiveHour megavoltAmpereReactiveHour
    voltAmpereReactiveHour
ReactivePowerUnit: gigavoltAmpereReactive kilovoltAmpereReactive megavoltAmpereReactive millivoltAmpereReactive
    voltAmpereReactive
Unitless: partsPerBillion partsPerMillion partsPerQuadrillion partsPerTrillion
VolumeFlowRateUnit: cubicFootPerMinute cubicMetrePerHour cubicMetrePerMinute cubicMetrePerSecond gallonPerHour
    gallonPerMinute litrePerMinute millilitrePerMinute
"""
"""In the form of the table of DTDL 2."""


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


def _table(text: str) -> dict[str, frozenset[str]]:
    lines = text.strip().replace("\n    ", " ").splitlines()
    return {key: _words(words) for key, words in (line.split(":") for line in lines)}


def _merged(base: Mapping[str, frozenset[str]], added: Mapping[str, frozenset[str]]) -> dict[str, frozenset[str]]:
    return {key: base.get(key, frozenset()) | added.get(key, frozenset()) for key in sorted({*base, *added})}


def _unit_type_by_type(types: Mapping[str, frozenset[str]]) -> dict[str, str]:
    return {semantic_type: unit_type for unit_type, members in types.items() for semantic_type in members}


UNIT_PREFIXES: Final = {
    "BinaryPrefix": _words("exbi gibi kibi mebi pebi tebi yobi zebi"),
    "DecimalPrefix": _words(
        "atto centi deca deci exa femto giga hecto kilo mega micro milli nano peta pico tera yocto yotta zepto zetta"
    ),
}
"""Prefixes of units, which quantitativeTypes offers as schemas too."""

UNITS: Final = {2: _table(_UNITS_OF_2), 3: _merged(_table(_UNITS_OF_2), _table(_UNITS_ADDED_IN_3))}
"""DTDL version -> unit type -> units."""
SEMANTIC_TYPES: Final = {
    2: _unit_type_by_type(_table(_TYPES_OF_2)),
    3: _unit_type_by_type(_merged(_table(_TYPES_OF_2), _table(_TYPES_ADDED_IN_3))),
}
"""DTDL version -> semantic type -> the unit type it requires."""
