"""Words and paths as systemd's unit files want them (systemd.syntax(7), systemd.service(5))."""

from __future__ import annotations

import os
import re

_PLAIN = re.compile(r"[A-Za-z0-9_./:=@,+-]+")


def quoted(word: str) -> str:
    """A word of a command line or of a list of paths.

    Quotes, backslashes, control characters and bytes that are not UTF-8 become C escapes, %
    becomes %%, as specifiers are put in everywhere. A $ stays: commands are written with the
    prefix ":", with which systemd puts in no variables.

    Raises:
        ValueError: A zero byte, which no word can hold.
    """
    if "\0" in word:
        raise ValueError(f"{word!r} has a zero byte in it")
    if _PLAIN.fullmatch(word):
        return word
    return f'"{_escaped(word)}"'


def command(words: list[str]) -> str:
    """A command line for `ExecStart=`.

    No variables are put in (":"), so a $ is a $, in the path of the program, too.

    Args:
        words: The program, by its absolute path, and its arguments.

    Raises:
        ValueError: The program has no absolute path, or one that systemd refuses, with quotes
            or backslashes in it; or a word holds a zero byte.
    """
    program = words[0]
    if not os.path.isabs(program):
        raise ValueError(f"{program}: expected an absolute path")
    if any(sign in "\"'\\" or not sign.isprintable() for sign in program):
        raise ValueError(f"{program!r}: systemd starts no program with such signs in its path")
    return " ".join([quoted(f":{program}"), *(quoted(word) for word in words[1:])])


def listed(path: str) -> str:
    """A path in `ReadWritePaths=`, `BindPaths=` or `BindReadOnlyPaths=`.

    There a backslash only takes the meaning from the sign after it, so that what would need a C
    escape cannot be written; a colon would begin another path.

    Raises:
        ValueError: A control character, or bytes that are not UTF-8.
    """
    if any(ord(sign) < 32 or 0xD800 <= ord(sign) < 0xE000 for sign in path):
        raise ValueError(f"{path!r}: systemd cannot be told such a path")
    escaped = "".join(f"\\{sign}" if sign in "\\\"':" else sign for sign in path)
    return f'"{escaped.replace("%", "%%")}"'


def plain(text: str) -> str:
    """A value that is taken to the end of its line, such as a description or one path.

    Raises:
        ValueError: It holds a control character.
    """
    if any(ord(sign) < 32 for sign in text):
        raise ValueError(f"{text!r} has a control character in it")
    return text.replace("%", "%%")


def _escaped(word: str) -> str:
    parts = []
    for sign in word:
        if sign in '"\\':
            parts.append(f"\\{sign}")
        elif sign == "%":
            parts.append("%%")
        elif ord(sign) < 32 or ord(sign) == 127 or 0xD800 <= ord(sign) < 0xE000:
            parts.extend(f"\\x{byte:02x}" for byte in os.fsencode(sign))
        else:
            parts.append(sign)
    return "".join(parts)
