"""Weights of characters in the sort orders General 1997 and General 2010, and their accents.

Sources: for General 1997 up to U+00FF, index pages of public test files beside the values they index, one of
which holds every character from U+0001 to U+00FF; for General 2010 the letters and digits from the catalogue
indexes of an Access 2010 file, and the published Windows sorting weights for K, Z, the space, the hyphen and
the apostrophe, which no name there has. All else (the signs of General 2010, what Windows-1252 has beyond
U+00FF, what is left out) are facts that Access keeps in its indexes and that are published with the library
Jackcess (Apache-2.0), which agrees with all of the former. What is not listed is refused when a key is made:
so is the letter U with diaeresis in General 2010, whose published weight is unlike that of its like.
"""

from __future__ import annotations

#: Letters by their capital, digits and signs: the weight, in General 1997.
GENERAL_1997: dict[str, str] = {
    " ": "07",
    "!": "09",
    '"': "0a",
    "#": "0c",
    "$": "0e",
    "%": "10",
    "&": "12",
    "(": "14",
    ")": "16",
    "*": "18",
    ",": "1a",
    ".": "1c",
    "/": "1e",
    ":": "20",
    ";": "22",
    "?": "24",
    "@": "26",
    "[": "27",
    "\\": "29",
    "]": "2a",
    "+": "2c",
    "<": "2e",
    "=": "30",
    ">": "32",
    "^": "2b02",
    "_": "2b03",
    "`": "2b07",
    "{": "2b09",
    "|": "2b0b",
    "}": "2b0d",
    "~": "2b0f",
    "\t": "0803",
    "\n": "0804",
    "\v": "0805",
    "\f": "0806",
    "\r": "0807",
    "0": "36",
    "1": "38",
    "2": "3a",
    "3": "3c",
    "4": "3e",
    "5": "40",
    "6": "42",
    "7": "44",
    "8": "46",
    "9": "48",
    "A": "4a",
    "B": "4c",
    "C": "4d",
    "D": "4f",
    "E": "51",
    "F": "53",
    "G": "55",
    "H": "57",
    "I": "59",
    "J": "5b",
    "K": "5c",
    "L": "5e",
    "M": "60",
    "N": "62",
    "O": "64",
    "P": "66",
    "Q": "68",
    "R": "69",
    "S": "6b",
    "T": "6d",
    "U": "6f",
    "V": "71",
    "W": "73",
    "X": "75",
    "Y": "76",
    "Z": "78",
    "\xa0": "0802",
    "¡": "2b10",
    "¢": "34a6",
    "£": "34a7",
    "¤": "34a8",
    "¥": "34a9",
    "¦": "2b11",
    "§": "34aa",
    "¨": "2b12",
    "©": "34ab",
    "«": "3305",
    "¬": "34ac",
    "®": "34ad",
    "¯": "2b13",
    "°": "34ae",
    "±": "3304",
    "²": "3a",
    "³": "3c",
    "´": "2b14",
    "µ": "34af",
    "¶": "34b0",
    "·": "34b1",
    "¸": "2b15",
    "¹": "38",
    "»": "3307",
    "¼": "3712",
    "½": "3716",
    "¾": "371a",
    "¿": "2b16",
    "×": "3309",
    "÷": "330a",
    "Æ": "4a51",
    "Þ": "6d57",
    "ß": "6b6b",
}
#: letter with accent -> (letter that it weighs as, code of the accent)
ACCENTS: dict[str, tuple[str, int]] = {
    **{letter: (base, 0x0F) for letter, base in zip("ÀÈÌÒÙ", "AEIOU", strict=True)},
    **{letter: (base, 0x0E) for letter, base in zip("ÁÉÍÓÚÝ", "AEIOUY", strict=True)},
    **{letter: (base, 0x12) for letter, base in zip("ÂÊÎÔÛ", "AEIOU", strict=True)},
    **{letter: (base, 0x19) for letter, base in zip("ÃÑÕ", "ANO", strict=True)},
    **{letter: (base, 0x13) for letter, base in zip("ÄËÏÖÜÿ", "AEIOUY", strict=True)},
    "Å": ("A", 0x1A),
    "Ç": ("C", 0x1C),
    "Ð": ("D", 0x68),
    "Ø": ("O", 0x21),
    "ª": ("A", 0x03),
    "º": ("O", 0x03),
}
#: Letters, digits, space and underscore in General 2010.
GENERAL_2010: dict[str, str] = {
    " ": "0702",
    "_": "0744",
    "0": "0d17",
    "1": "0d19",
    "2": "0d1a",
    "3": "0d1b",
    "4": "0d1c",
    "5": "0d1d",
    "6": "0d1e",
    "7": "0d1f",
    "8": "0d20",
    "9": "0d21",
    "A": "0e02",
    "B": "0e09",
    "C": "0e0a",
    "D": "0e1a",
    "E": "0e21",
    "F": "0e23",
    "G": "0e25",
    "H": "0e2c",
    "I": "0e32",
    "J": "0e35",
    "K": "0e36",
    "L": "0e48",
    "M": "0e51",
    "N": "0e70",
    "O": "0e7c",
    "P": "0e7e",
    "Q": "0e89",
    "R": "0e8a",
    "S": "0e91",
    "T": "0e99",
    "U": "0e9f",
    "V": "0ea2",
    "W": "0ea4",
    "X": "0ea6",
    "Y": "0ea7",
    "Z": "0ea9",
}
#: A character and its weight, in pairs.
_SIGNS = r"""
! 071c  " 071d  # 071f  $ 0721  % 0723  & 0725  ( 0727  ) 072a  * 072d  , 072f  . 0733  / 0735
: 0737  ; 073a  ? 073c  @ 073e  [ 073f  \ 0741  ] 0742  ^ 0743  ` 0748  { 074a  | 074c  } 074e
~ 0750  ¡ 0751  ¦ 0752  ¨ 0753  ¯ 0754  ´ 0755  ¸ 0756  ¿ 0757  ¢ 0797  £ 0798  ¤ 0799  ¥ 079a
+ 0803  < 080e  = 0812  > 0814  ± 0817  « 0818  » 081a  × 081c  ÷ 081d
§ 0a06  © 0a07  ¬ 0a08  ® 0a09  ° 0a0a  µ 0a0b  ¶ 0a0c  · 0a0d
¹ 0d19  ² 0d1a  ³ 0d1b  ¼ 0d18  ½ 0d18  ¾ 0d1b
Æ 0e020e21  Þ 0e990e2c  ß 0e910e91
"""
_FIRST_CONTROL = 0x80
SIGNS_2010: dict[str, str] = {
    **dict(zip(_SIGNS.split()[::2], _SIGNS.split()[1::2], strict=True)),
    "\t": "0705",
    "\n": "0706",
    "\v": "0707",
    "\f": "0708",
    "\r": "0709",
    "\xa0": "0704",
    **{chr(code): "0cfa" for code in range(_FIRST_CONTROL, 0xA0)},
}
#: Signs whose weight is that of another and which differ by the code of an accent.
MARKS_2010: dict[str, int] = {
    **{chr(code): 0x1D + code - _FIRST_CONTROL for code in range(_FIRST_CONTROL, 0xA0)},
    "¼": 0xCE,
    "½": 0xD6,
    "¾": 0xDE,
}
#: Letters whose weight is not known, though those of their like are.
UNSURE_2010 = frozenset("Ü")
#: What Access leaves out of a key, wherever it stands: U+0000, and what has no width.
IGNORED = ("\0\u200d\u200e\u200f\u2060", "\0\xad\u200d\u200e\u200f\u2060")
#: What Windows-1252 has beyond U+00FF, by sort order: the weight, and the accent where there is one.
_WINDOWS = (
    r"""
    € 35a1  ‚ 2b39  ƒ 53:7b  „ 2b3d  … 34b9  † 34b3  ‡ 34b4  ˆ 2b02:03  ‰ 34ba  ‹ 2b46  › 2b47  œ 6451
    ‘ 2b37  ’ 2b38  “ 2b3b  ” 2b3c  • 34b5  ˜ 2b1c  ™ 6e04  š 6b:14  ž 78:14  Ÿ 76:13  Š 6b:14  Ž 78:14
    Œ 6451
    """,
    r"""
    € 07a9  ‚ 077b  ƒ 0e23:7b  „ 077f  … 0a10  † 0b25  ‡ 0b26  ˆ 0743  ‰ 0b2c:0c  ‹ 0788  › 0789  œ 0e7c0e21
    ‘ 0779  ’ 077a  “ 077d  ” 077e  • 0b27  ˜ 075d  ™ 0e9c  š 0e91:14  ž 0ea9:14  Ÿ 0ea7:13  Š 0e91:14
    Ž 0ea9:14  Œ 0e7c0e21
    """,
)
#: Dashes, which have no weight but a place, and their codes.
DASHES = ({"–": 0x89, "—": 0x8B}, {"–": 0x89, "—": 0x90})


def windows_signs(version: int) -> dict[str, tuple[str, int | None]]:
    """Character -> weight (hexadecimal) and accent (none: null), of a version of the General order."""
    words = _WINDOWS[version].split()
    pairs = zip(words[::2], words[1::2], strict=True)
    return {
        sign: (weight.partition(":")[0], int(weight.partition(":")[2], 16) if ":" in weight else None)
        for sign, weight in pairs
    }
