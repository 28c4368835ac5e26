"""How times, sizes, shares and p values are written."""

NONE = "–"  # in place of a value that does not exist


def time(seconds: float) -> str:
    """Seconds with three digits, in the unit that people would use."""
    for unit, name in ((1.0, "s"), (1e-3, "ms"), (1e-6, "µs")):
        if seconds >= unit:
            return f"{_digits(seconds / unit)} {name}"
    return f"{_digits(seconds * 1e9)} ns" if seconds else "0"


def _digits(value: float) -> str:
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}"


def size(count: float) -> str:
    """Bytes with three digits, in the unit that people would use."""
    for unit, name in ((1e9, "GB"), (1e6, "MB")):
        if count >= unit:
            return f"{count / unit:.3g} {name}"
    return f"{count / 1e3:.3g} kB"


def number(value: float | None, sign: str = "") -> str:
    """A value with three decimals, or a dash for None; `sign` is `+` to show the plus sign."""
    return NONE if value is None else f"{value:{sign}.3f}".replace("-", "−")


def rate(value: float | None) -> str | None:
    """A rate per second as a whole number; None stays None."""
    return None if value is None else f"{value:,.0f}"


def share(value: float) -> str:
    """A share of 0 to 1 as a whole percentage."""
    return f"{100 * value:.0f} %"


def p_value(p: float) -> str:
    """A p value with three decimals."""
    return "< 0.001" if p < 0.001 else f"{p:.3f}"
