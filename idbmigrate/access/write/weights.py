"""Weights of the signs and accented letters in the sort order General 2010, up to U+00FF.

The weights are facts that Access 2010 keeps in its indexes; they are published with the library Jackcess
(Apache-2.0). What is not listed is refused when a key is made: the letter U with diaeresis, whose published
weight is unlike that of its like, and what Access leaves out of a key (U+0000, the soft hyphen).
"""

from __future__ import annotations

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
