"""Numbers as they are written."""

import re
from threading import Thread

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vis.figures.numbers import (
    POINT,
    UNITS,
    Marks,
    byte_size,
    duration,
    fixed,
    grouped,
    marks,
    milliseconds,
    percent,
    power,
    rewritten,
    scientific,
    shape,
    short,
    significant,
    spread,
    write_with,
    written_with,
)


@pytest.mark.parametrize(
    ("number", "written"),
    [
        (0, "0"),
        (7, "7"),
        (999, "999"),
        (1000, "1.00 k"),
        (23_296, "23.3 k"),
        (120_422_400, "120 M"),
        (999_499, "999 k"),
        (999_500, "1.00 M"),
        (999_950, "1.00 M"),
        (1_814_073_344, "1.81 G"),
        (999_999_999, "1.00 G"),
        (-23_296, "−23.3 k"),
        (0.5, "0.5"),
        (12.345, "12.3"),
        (999.4, "999"),
        (999.7, "1.00 k"),
        (2.0, "2"),
    ],
)
def test_short(number, written):
    assert short(number) == written


@pytest.mark.parametrize(
    ("number", "written"), [(123.4, "120"), (1234, "1.2 k"), (120_422_400, "120 M"), (99_999, "100 k")]
)
def test_short_with_two_digits(number, written):
    assert short(number, 2) == written


@given(st.integers(1, 10**17) | st.floats(0.001, 1e17))
def test_a_short_number_has_at_most_three_digits_before_its_unit_and_is_right_to_half_of_the_last(number):
    written = short(number)
    assert "e" not in written
    value, _, unit = written.partition(" ")
    assert float(value) < 1000
    assert not re.search(r"\s$", written)
    assert float(value) * 1000 ** UNITS.index(unit) == pytest.approx(number, rel=0.0051)


def test_grouped_numbers_have_every_digit():
    assert [grouped(n) for n in (0, 999, 1000, 120_422_400)] == ["0", "999", "1,000", "120,422,400"]


def test_a_shape_is_of_one_picture():
    assert shape((1, 64, 112, 112)) == "64×112×112"
    assert shape((1, 1000)) == "1000"
    assert shape((1,)) == ""


@pytest.mark.parametrize(
    ("seconds", "written"),
    [
        (0.4, "0 s"),
        (59.4, "59 s"),
        (59.6, "1:00 min"),
        (185, "3:05 min"),
        (3599, "59:59 min"),
        (3600, "1:00 h"),
        (2 * 3600 + 7 * 60 + 59, "2:07 h"),
        (26 * 3600, "26:00 h"),
    ],
)
def test_a_duration_has_two_units_at_most(seconds, written):
    assert duration(seconds) == written


@pytest.mark.parametrize(
    ("part", "decimals", "written"),
    [(0.508, 1, "50.8 %"), (0.99949, 1, "99.9 %"), (1, 0, "100 %"), (-0.004, 2, "−0.40 %")],
)
def test_percent(part, decimals, written):
    assert percent(part, decimals) == written


@pytest.mark.parametrize(
    ("number", "written"), [(0, "0 B"), (999, "999 B"), (1000, "1.00 kB"), (57_600, "57.6 kB"), (244_408_911, "244 MB")]
)
def test_bytes_are_counted_in_thousands(number, written):
    assert byte_size(number) == written


VIETNAMESE = Marks(",", ".")


@pytest.mark.parametrize(
    ("write", "written"),
    [
        (lambda: grouped(120_422_400), "120.422.400"),
        (lambda: short(1_814_073_344), "1,81 G"),
        (lambda: significant(-0.01234), "−0,0123"),
        (lambda: significant(4.2819, sign="+"), "+4,28"),
        (lambda: fixed(1234.5, 2), "1.234,50"),
        (lambda: percent(0.508), "50,8 %"),
        (lambda: byte_size(57_600), "57,6 kB"),
        (lambda: milliseconds(1288), "1.288 ms"),
        (lambda: spread(0.9), "± 0,45 ms"),
        (lambda: rewritten("25.03 %"), "25,03 %"),
    ],
)
def test_every_number_is_written_with_the_marks_that_are_set(write, written):
    with written_with(VIETNAMESE):
        assert write() == written
    assert marks() == POINT
    assert write() == written.translate(str.maketrans(",.", ".,"))


def test_marks_are_those_of_one_thread():
    write_with(VIETNAMESE)
    seen = []
    other = Thread(target=lambda: seen.append(grouped(1000)))
    other.start()
    other.join()
    assert (grouped(1000), seen) == ("1.000", ["1,000"])
    write_with(POINT)


@pytest.mark.parametrize(
    ("number", "written"),
    [
        (0, "0"),
        (0.0123, "0.012"),
        (1, "1"),
        (12.3, "12"),
        (12345, "12,000"),
        (123456, "1.2·10⁵"),
        (-4.8e-9, "−4.8·10⁻⁹"),
        (9.96e-4, "1.0·10⁻³"),
    ],
)
def test_a_tiny_or_a_huge_number_has_a_power_of_ten(number, written):
    assert scientific(number) == written
    assert [power(exponent) for exponent in (-12, 0, 1, 30)] == ["10⁻¹²", "1", "10", "10³⁰"]
