"""Texts that somebody else wrote, as hypothesis makes them: attacks cut up and joined in every order."""

from hypothesis import strategies as st

from tests.report.hostile import ATTACKS

_MARKS = [
    "`",
    "``",
    "```",
    "~~~",
    "|",
    "\\",
    "\n",
    "\r\n",
    " ",
    "*",
    "_",
    "<",
    ">",
    "&",
    "#",
    "@",
    "-",
    "=",
    "$",
]
_WORDS = [
    "@user",
    "#1",
    "GH-7",
    "a/b#2",
    "www.x.example",
    "http://x.example",
    "a@b.example",
    ":tada:",
    "5f2c1d9",
    "<!--",
    "-->",
    "<b>",
    "</details>",
    "<!-- ftgate:comment v1 head=0 -->",
    "[x](y)",
    "![x](y)",
    "- [x] ",
    "&#64;user",
    "1. ",
    "::error::",
    "##[error]",
    "\x1b[2J",
    "\u202e",
    "\u200d",
    "\ud800",
    "\x00",
]
texts = st.lists(
    st.sampled_from([*_MARKS, *_WORDS, *ATTACKS]) | st.text(max_size=4) | st.text("ab`|\\\n<@#", max_size=8),
    max_size=12,
).map("".join)
