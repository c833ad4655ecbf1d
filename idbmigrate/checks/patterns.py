"""Shapes of values as regular expressions that RE2, Python and every SQL engine read alike.

Source of the facts: the NHS Data Dictionary for dates, times and ICD-10; the published v2.0 checks
for the postcode and the onset month.
"""

from __future__ import annotations

_DAYS = (
    "[0-9]{4}-((0[13578]|1[02])-(0[1-9]|[12][0-9]|3[01])|(0[469]|11)-(0[1-9]|[12][0-9]|30)"
    "|02-(0[1-9]|1[0-9]|2[0-8]))"
)
_LEAP_DAYS = "([0-9]{2}(0[48]|[2468][048]|[13579][26])|([02468][048]|[13579][26])00)-02-29"
_TIME = "([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]"
_DATE = f"({_DAYS}|{_LEAP_DAYS})"

DATE = f"^{_DATE}$"
TIME = f"^{_TIME}$"
TIMESTAMP = f"^{_DATE}T{_TIME}$"
#: The offsets that clocks in London can have; the centre takes no others, and no fractions of a second.
OFFSET_TIMESTAMP = rf"^{_DATE}T{_TIME}(Z|[+]0[01]:00|-00:00)$"
STARTS_WITH_DATE = f"^{_DATE}"
NUMBER = r"^-?[0-9]{1,9}(\.[0-9]{1,9})?$"
MONTH = "^[0-9]{4}-(0[1-9]|1[0-2])"

#: The first day that the centre takes for a date; earlier ones count as badly written.
FIRST_DAY = "1890-01-01"
