"""What the rules say of a family, by plain Python that reads the text of each rule.

It shares nothing with the engine: no SQL, no columns, no check forms. A rule is the sentence that people
read; what it looks at are the rows of one family, one after the other. Lists of codes and of assessments are
those of the data set description.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, datetime, timedelta, timezone

PERIOD = (date(2022, 4, 1), date(2022, 4, 30))
SUBMITTED, PROVIDER, SENDER = "2022-05-10T12:00:00", "RX1", "RX1"
_FIRST_DAY = date(1890, 1, 1)
_TIME = re.compile(r"(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]")
_NAME = r"([A-Za-z][A-Za-z0-9_]*)"

Test = Callable[["Judge", str, dict], bool]


class Judge:
    """The rules of a pack over one family at a time."""

    def __init__(self, pack, dataset, header):
        self.dataset, self.header, self.family = dataset, header, {}
        self.lists = {
            "a specialised mental health service category": _list(pack, "specialised"),
            "an ISO 639-1 language code or q1 to q5": _list(pack, "languages"),
            "a question of the patient experience questionnaire": _list(pack, "peq"),
        }
        self.tools = {each.concept: each for each in dataset.assessments}
        rules = [
            rule for rule in pack.rules if rule.check is not None and rule.table and rule.kind != "structure"
        ]
        self.related = [rule for rule in rules if rule.kind == "relation"]
        self.following = [rule for rule in rules if rule.meaning.startswith("no valid row of the same")]
        self.plain: dict[str, list[tuple]] = {}
        for rule in rules:
            if rule not in self.related and rule not in self.following:
                self.plain.setdefault(rule.table, []).append((rule, read(rule.meaning)))

    def codes(self, family) -> set[str]:
        """Codes of all rules that fail for a row of the family."""
        self.family, self.rejected = family, set()
        found = set()
        for table, rows in family.items():
            for place, row in enumerate(rows):
                for rule, fails in self.plain.get(table, ()):
                    if fails(self, table, row):
                        found.add(rule.code)
                        self.reject(rule, table, place)
        found |= {rule.code for rule in self.following if self.unfollowed(rule)}
        return found | self.relations()

    def reject(self, rule, table: str, place: int) -> None:
        if rule.effect in ("record", "group"):
            self.rejected.add((table, place))

    def relations(self) -> set[str]:
        """Rules about parents and children, until nothing changes."""
        while True:
            failing = {
                (rule, rule.table, place)
                for rule in self.related
                for place, row in enumerate(self.family.get(rule.table, ()))
                if self.alone(rule, row)
            }
            before = len(self.rejected)
            for each in failing:
                self.reject(*each)
            if len(self.rejected) == before:
                return {rule.code for rule, _, _ in failing}

    def alone(self, rule, row) -> bool:
        """Whether no valid row of the other table belongs to a row."""
        words = re.fullmatch(
            rf"there is no valid row in {_NAME} for this {_NAME}(?:, although (.*))?", rule.meaning
        )
        other, column, although = words.groups()
        if although and not read(although)(self, rule.table, row):
            return False
        target, key = self.dataset.tables[rule.table].foreign_keys.get(column, (None, None))
        named = key if target == other else self._refers(other, rule.table, column) or column
        if not given(row.get(column)):
            return False
        rows = self.family.get(other, ())
        return not any(
            given(each.get(named)) and each[named] == row.get(column) and (other, place) not in self.rejected
            for place, each in enumerate(rows)
        )

    def _refers(self, child: str, table: str, column: str) -> str | None:
        keys = self.dataset.tables[child].foreign_keys
        return next((name for name, target in keys.items() if target == (table, column)), None)

    def unfollowed(self, rule) -> bool:
        """Registrations: whether one of the family ends, and what follows is not there or not another's."""
        words = re.fullmatch(
            rf"no valid row of the same {_NAME} and another {_NAME} starts on the day "
            rf"(of, or after,|after) {_NAME}",
            rule.meaning,
        )
        per, by, days, end = words.groups()
        start = end.replace("End", "Start")
        rows = self.family.get(rule.table, [])
        for row in rows:
            last = day_of(row.get(end))
            if last is None:
                continue
            good = {last + timedelta(days=1)} | ({last} if days.startswith("of") else set())
            following = [
                other.get(by)
                for place, other in enumerate(rows)
                if (rule.table, place) not in self.rejected
                and other.get(per) == row.get(per)
                and day_of(other.get(start)) in good
            ]
            if not following or row.get(by) in following:
                return True
        return False

    def above(self, table: str, row: dict, target: str) -> dict:
        """The row of another table that a row belongs to; without one a row of nothing."""
        ahead = [(table, row)]
        while ahead:
            name, at = ahead.pop(0)
            if name == target:
                return at
            for column, (parent, key) in self.dataset.tables[name].foreign_keys.items():
                found = [
                    each
                    for each in self.family.get(parent, ())
                    if given(at.get(column)) and each[key] == at[column]
                ]
                ahead.append((parent, found[0] if found else {}))
        return {}

    def belongs(self, table: str, row: dict, to: dict, target: str) -> bool:
        return self.above(table, row, target) is to

    def operand(self, words: str, table: str, row: dict) -> str | None:
        """What a value is compared with."""
        fixed = {
            "the first day of the reporting period": PERIOD[0].isoformat(),
            "the last day of the reporting period": PERIOD[1].isoformat(),
            "the moment of submission": SUBMITTED,
            "the day of submission": SUBMITTED[:10],
            "the provider chosen in the portal": PROVIDER,
            "the organisation that is logged in to the portal": SENDER,
            "the provider in the header": self.header.get("OrgIDProv") or self.header.get("OrgIDProvider"),
            "the creation of the data set": self.header["DateTimeDatSetCreate"][:10],
        }
        moved = re.fullmatch(r"(.*?)((?: (?:plus|less) \d+ (?:year|day)s?)+)", words)
        if moved:
            return _moved(date.fromisoformat(fixed[moved[1]]), moved[2]).isoformat()
        if words in fixed:
            return fixed[words]
        if re.fullmatch(r"\d{4}-\d\d-\d\d", words):
            return words
        other, _, column = words.rpartition(".")
        return (self.above(table, row, other) if other else row).get(column)


def _list(pack, name: str) -> set[str]:
    from pathlib import Path

    import yaml

    import idbmigrate.checks.load as load

    text = (Path(load.__file__).parent / "packs" / f"{pack.name}.yaml").read_text(encoding="utf-8")
    return set(yaml.load(text, Loader=yaml.BaseLoader)["lists"].get(name, ()))


def _moved(day: date, words: str) -> date:
    for sign, number, unit in re.findall(r"(plus|less) (\d+) (year|day)", words):
        step = int(number) if sign == "plus" else -int(number)
        day = day.replace(year=day.year + step) if unit == "year" else day + timedelta(days=step)
    return day


# Values


def given(value: str | None) -> bool:
    return value is not None and value != ""


def blank(value: str | None) -> bool:
    return value is None or not value.strip(" \t\r\n")


def day_of(value: str | None) -> date | None:
    """The real day that a text begins with."""
    if value is None or not re.match(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", value):
        return None
    try:
        return date.fromisoformat(value[:10])
    except ValueError:
        return None


def is_date(value: str) -> bool:
    return len(value) == 10 and day_of(value) is not None and day_of(value) >= _FIRST_DAY


def is_moment(value: str, rest: str) -> bool:
    found = re.fullmatch(rf"(.{{10}})T(.{{8}})({rest})", value, re.DOTALL)
    return bool(found) and is_date(found[1]) and bool(_TIME.fullmatch(found[2]))


def is_nhs_number(value: str) -> bool:
    if not re.fullmatch("[0-9]{10}", value) or value == value[::-1]:
        return False
    total = sum(int(digit) * (10 - place) for place, digit in enumerate(value[:9]))
    return (11 - total % 11) % 11 == int(value[9]) and total % 11 != 1


def is_concept(value: str) -> bool:
    """6 to 18 digits, not beginning with 0, partition 00 or 10, Verhoeff check digit."""
    if not re.fullmatch("[1-9][0-9]{5,17}", value) or value[-3:-1] not in ("00", "10"):
        return False
    state = 0
    for place, digit in enumerate(reversed(value)):
        number = int(digit)
        for _ in range(place % 8):
            number = (1, 5, 7, 6, 2, 8, 3, 0, 9, 4)[number]
        state = _dihedral(state, number)
    return state == 0


def _dihedral(a: int, b: int) -> int:
    """Symmetries of a pentagon: (turns, mirrored) after each other."""
    turns, mirrored = a % 5, a >= 5
    more, again = b % 5, b >= 5
    return (turns + (-more if mirrored else more)) % 5 + 5 * (mirrored != again)


def is_expression(value: str) -> bool:
    parts = re.fullmatch("([0-9]+):([0-9]+)=([0-9]+)", value)
    if parts is None:
        return is_concept(value)
    known = parts[2] in ("408730004", "363589002")
    return len(value) <= 56 and known and is_concept(parts[1]) and is_concept(parts[3])


def in_london(value: str) -> bool:
    """Whether clocks in London had the offset of a moment; other texts pass."""
    found = re.fullmatch(r"(.{19})(?:\.[0-9]+)?([+-])([0-9]{2}):([0-9]{2})", value)
    if not found or not is_moment(found[1], "") or found[1] < "1996":
        return True
    offset = (int(found[3]) * 60 + int(found[4])) * (1 if found[2] == "+" else -1)
    utc = datetime.fromisoformat(found[1]).replace(tzinfo=timezone.utc) - timedelta(minutes=offset)
    sundays = [
        max(
            datetime(utc.year, month, number, 1, tzinfo=timezone.utc)
            for number in range(25, 32)
            if date(utc.year, month, number).weekday() == 6
        )
        for month in (3, 10)
    ]
    return offset == (60 if sundays[0] <= utc < sundays[1] else 0)


def score_problems(judge: Judge, tool: str | None, score: str | None) -> set[str]:
    """``shape``, ``range``: what is wrong with a score of a listed assessment."""
    about = judge.tools.get(tool or "")
    if about is None or not given(score) or score in about.values:
        return set()
    problems = set()
    number = r"(?:0|[1-9][0-9]*)(?:\.[0-9])?" if about.range and not about.pattern else about.pattern
    if number and not re.fullmatch(number, score):
        problems.add("shape")
    if about.range:
        try:
            inside = about.range[0] <= float(score) <= about.range[1]
        except ValueError:
            inside = False
        if not inside:
            problems.add("range")
    elif about.values:
        problems.add("range")
    return problems


# Sentences

#: What is said of a value that is there: words -> whether it is wrong.
_WRONG: dict[str, Callable[..., bool]] = {
    "is not a date that exists (YYYY-MM-DD, from 1890 on)": lambda v: not is_date(v),
    "is not a time of day (HH:MM:SS)": lambda v: not _TIME.fullmatch(v),
    "is not a date and time (YYYY-MM-DDTHH:MM:SS, from 1890 on)": lambda v: not is_moment(v, ""),
    "is not a date and time with its offset (YYYY-MM-DDTHH:MM:SS and Z, +00:00 or +01:00, from 1890 on)": (
        lambda v: not is_moment(v, r"Z|\+00:00|-00:00|\+01:00")
    ),
    "is not a date that exists and a time": (
        lambda v: (
            not re.fullmatch(r".{10}T.{8}(\.[0-9]+)?(Z|[+-][0-9]{2}:[0-9]{2})?", v)
            or day_of(v) is None
            or not _TIME.fullmatch(v[11:19])
        )
    ),
    "is not ten digits with the right check digit, or reads the same backwards (which the centre's code "
    "refuses, although its comment says that this is off)": lambda v: not is_nhs_number(v),
    "is not a SNOMED CT concept (6 to 18 digits, partition, check digit)": lambda v: not is_concept(v),
    "is not a SNOMED CT concept, nor an expression of two (concept:attribute=concept, up to 56 signs)": (
        lambda v: not is_expression(v)
    ),
    "does not have the shape of an organisation code": lambda v: not re.fullmatch("[A-Z0-9]{3,9}", v),
    "has an offset that clocks in London did not have at that moment": lambda v: not in_london(v),
    "is not a postcode with a space between its halves": (
        lambda v: not re.fullmatch(r"[A-Za-z]{1,2}[0-9][A-Za-z0-9]?[ \t]+[0-9][A-Za-z]{2}", v)
    ),
    "is not written as ICD-10 codes are (letter, digit, two to four more)": (
        lambda v: not re.fullmatch("[A-Za-z][0-9][0-9A-Za-z][0-9A-Za-z.]{1,3}", v)
    ),
    "is not a year and month (YYYY-MM)": lambda v: not re.fullmatch("[0-9]{4}[-/](0[1-9]|1[0-2])", v),
    "has a slash where a hyphen belongs": lambda v: bool(re.match("[0-9]{4}/", v)),
    "is not an amount of one to seven digits, a point and two decimals": (
        lambda v: not re.fullmatch(r"[0-9]{1,7}\.[0-9]{2}", v)
    ),
    "is not a version number such as 2.1": lambda v: not re.fullmatch(r"[0-9]{1,2}\.[0-9]{1,2}", v),
    "is not a version number such as 6.0": lambda v: not re.fullmatch(r"[0-9]{1,2}\.[0-9]{1,2}", v),
}


def read(sentence: str) -> Test:
    """The test that a sentence tells; ``ValueError`` where it tells none."""
    test = _whole(sentence)
    if test is not None:
        return test
    for word, joined in ((" or ", any), (" and ", all)):
        for found in re.finditer(word, sentence):
            before = sentence[: found.start()]
            if before.count("(") > before.count(")"):
                continue
            try:
                parts = read(sentence[: found.start()]), read(sentence[found.end() :])
            except ValueError:
                continue
            return lambda judge, table, row, parts=parts, joined=joined: joined(
                part(judge, table, row) for part in parts
            )
    raise ValueError(f"a sentence that nobody understands: {sentence}")


def _whole(sentence: str) -> Test | None:
    for pattern, make in _SENTENCES:
        found = re.fullmatch(pattern, sentence)
        if found and (test := make(*found.groups())) is not None:
            return test
    return None


def _value(column: str, wrong: Callable[[str], bool]) -> Test:
    return lambda judge, table, row: given(row.get(column)) and wrong(row[column])


def _said(column: str, words: str) -> Test | None:
    return _value(column, _WRONG[words]) if words in _WRONG else None


def _national(column: str) -> Test:
    def test(judge, table, row):
        codes = judge.dataset.codes_of(judge.dataset.tables[table].columns[column])
        return given(row.get(column)) and bool(codes) and row[column] not in codes.codes

    return test


def _unlisted(column: str, words: str) -> Test | None:
    if not words.startswith(("a specialised", "an ISO")):
        return None
    return lambda judge, table, row: given(row.get(column)) and row[column] not in judge.lists[words]


def _among(column: str, words: str, wanted: bool) -> Test | None:
    plain = re.sub(r" \(.*\)$", "", words)
    codes = plain.split(" or ")
    if plain == "a question of the patient experience questionnaire":
        return lambda judge, table, row: row.get(column) in judge.lists[plain]
    if not all(re.fullmatch("[0-9A-Z]{1,2}", code) for code in codes):
        return None
    return lambda judge, table, row: (row.get(column) in codes) is wanted


def _compared(column: str, how: str, words: str) -> Test | None:
    if not re.fullmatch(r"(the .*|\d{4}-\d\d-\d\d|[A-Za-z0-9_]+(\.[A-Za-z0-9_]+)?)", words) or re.search(
        " and | or ", words
    ):
        return None

    def test(judge, table, row):
        value, other = row.get(column), judge.operand(words, table, row)
        if how == "differs from":
            return given(value) and given(other) and value != other
        if day_of(value) is None or day_of(other) is None:
            return False
        if words == "the moment of submission":
            return value[:19] > other
        return day_of(value) > day_of(other) if how == "is after" else day_of(value) < day_of(other)

    return test


def _month_before(column: str, words: str) -> Test:
    def test(judge, table, row):
        value, other = row.get(column), day_of(judge.operand(words, table, row))
        found = re.match(r"([0-9]{4})-(0[1-9]|1[0-2])", value or "")
        return bool(found and other) and (int(found[1]), int(found[2])) < (other.year, other.month)

    return test


def _repeated(names: str, equal: str | None, where: str | None) -> Test:
    columns, condition = names.split(" + "), read(where) if where else None

    def counts(judge, table, row):
        full = bool(equal) or all(given(row.get(name)) for name in columns)
        return full and (condition is None or condition(judge, table, row))

    def test(judge, table, row):
        key = [row.get(name) for name in columns]
        same = [
            other
            for other in judge.family[table]
            if counts(judge, table, other) and [other.get(name) for name in columns] == key
        ]
        return counts(judge, table, row) and len(same) > 1

    return test


def _without(other: str, where: str) -> Test:
    condition = read(where)
    return lambda judge, table, row: (
        not any(
            judge.belongs(other, each, row, table) and condition(judge, other, each)
            for each in judge.family.get(other, ())
        )
    )


def _coded(code: str, scheme: str) -> Test:
    finding = scheme.startswith("Find")

    def test(judge, table, row):
        named, both = row.get(scheme), table == "MHS609PresComp"
        known = {"01": finding, "04": finding, "02": both or not finding, "06": both or not finding}
        if not given(row.get(code)) or not known.get(named or ""):
            return False
        if named in ("01", "02"):
            return not 4 <= len(row[code]) <= 6
        return not is_concept(row[code])

    return test


def _score(column: str, words: str) -> Test | None:
    wanted = {
        "is outside the range of this assessment": {"range"},
        "does not have the shape that scores of this assessment have": {"shape"},
        "is not a score of this assessment (range, and how it is written)": {"shape", "range"},
    }.get(words)
    if wanted is None:
        return None
    return lambda judge, table, row: bool(
        wanted & score_problems(judge, row.get("CodedAssToolType"), row.get(column))
    )


_SENTENCES: list[tuple[str, Callable]] = [
    (r"\(([^()]*)\)", read),
    (rf"{_NAME} is blank", lambda c: lambda judge, table, row: blank(row.get(c))),
    (rf"{_NAME} is missing", lambda c: lambda judge, table, row: not given(row.get(c))),
    (rf"{_NAME} is given", lambda c: lambda judge, table, row: given(row.get(c))),
    (rf"{_NAME} is longer than (\d+) characters", lambda c, n: _value(c, lambda v: len(v) > int(n))),
    (rf"{_NAME} does not have (\d+) characters?", lambda c, n: _value(c, lambda v: len(v) != int(n))),
    (
        rf"{_NAME} does not have (\d+) to (\d+) characters",
        lambda c, low, high: _value(c, lambda v: not int(low) <= len(v) <= int(high)),
    ),
    (
        rf"{_NAME} is not (\d+) to (\d+) digits",
        lambda c, low, high: _value(c, lambda v: not re.fullmatch(f"[0-9]{{{low},{high}}}", v)),
    ),
    (rf"{_NAME} is not one of its national codes", _national),
    (
        rf"{_NAME} is not an assessment concept that the centre accepts",
        lambda c: lambda judge, table, row: given(row.get(c)) and row[c] not in judge.tools,
    ),
    (rf"{_NAME} does not have the shape of a code of the scheme in {_NAME}", _coded),
    (rf"{_NAME} (is .*|does .*|has .*)", _score),
    (rf"{_NAME} (is .*|does .*|has .*)", _said),
    (rf"{_NAME} is not (an? .*)", _unlisted),
    (rf"{_NAME} is not (.*)", lambda c, words: _among(c, words, False)),
    (rf"{_NAME} is before the month of (.*)", _month_before),
    (rf"{_NAME} (is after|is before|differs from) (.*)", _compared),
    (rf"{_NAME} is (.*)", lambda c, words: _among(c, words, True)),
    (
        rf"more than one row has the same ({_NAME[1:-1]}(?: \+ {_NAME[1:-1]})*)"
        r"( \(no value .*?\))?(?: where (.*))?",
        _repeated,
    ),
    (rf"no row of {_NAME} belongs to it where (.*)", _without),
]
