"""The argument parser: suggestions for typing errors, and defaults from a file and variables."""

from __future__ import annotations

import argparse
import difflib
import importlib
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NoReturn

from edgeiqa.cli.common import UsageError

PREFIX = "EDGEIQA_"
"""Variables such as EDGEIQA_MODEL set the default of the option --model."""

NOT_CONFIGURABLE = frozenset(("apply", "force", "help", "rescore", "version"))
"""What changes or overwrites files is asked for each time."""


class Parser(argparse.ArgumentParser):
    """An ArgumentParser that suggests what may have been meant."""

    def error(self, message: str) -> NoReturn:
        """Ends the program with the message, and similar words that would be valid."""
        wrong = re.findall(r"invalid choice: '([^']*)'", message)
        if message.startswith("unrecognized arguments: "):
            wrong = [word for word in message.partition(": ")[2].split() if word.startswith("-")]
        known = list(_words(self))
        for word in wrong:
            similar = difflib.get_close_matches(word.partition("=")[0], known, 1, 0.7)
            if similar:
                message += f"; did you mean {similar[0]}?"
                break
        super().error(message)


def apply_defaults(parser: argparse.ArgumentParser, argv: Sequence[str]) -> None:
    """Applies the user's defaults to the command that is going to run.

    Variables take precedence over the configuration file. There, a table named after a command
    takes precedence over keys outside of tables.

    Args:
        parser: With its commands.
        argv: The arguments; an option given there silences defaults of options that exclude it.

    Raises:
        UsageError: An unknown key, or an invalid value; the message says where it is.
    """
    commands = _commands(parser)
    name = next((word for word in argv if word in commands), None)
    path, config = _read_config()
    known = {key for one in commands.values() for option in _options(one) for key in _keys(option)}
    for key, value in config.items():
        keys = value if isinstance(value, dict) else {key: value}
        if isinstance(value, dict) and key not in commands:
            raise UsageError(f"{path}: no command {key!r}{_suggestion(key, commands)}")
        for option in keys:
            if option.replace("-", "_") not in known:
                raise UsageError(f"{path}: no option {option!r}{_suggestion(option, known)}")
    if name is None:
        return
    command = commands[name]
    layers: list[tuple[str, Mapping[str, Any]]] = [
        (path, {key: value for key, value in config.items() if not isinstance(value, dict)}),
        (path, config.get(name, {})),
        ("", {key[len(PREFIX) :]: value for key, value in os.environ.items() if key[:8] == PREFIX}),
    ]
    excluded = _excluded(command, argv)
    actions = {key: action for action in _options(command) for key in _keys(action)}
    for place, values in layers:
        for key, value in values.items():
            action = actions.get(key.lower().replace("-", "_"))
            if action is None or action.dest in excluded:
                continue
            where = f"{place}: {key}" if place else f"{PREFIX}{key}"
            command.set_defaults(**{action.dest: _value(action, value, where)})


def _value(action: argparse.Action, value: Any, where: str) -> Any:
    """A default as the option itself would be read."""
    if action.nargs == 0:  # A flag.
        words = {"1": True, "true": True, "yes": True, "0": False, "false": False, "no": False}
        flag = words.get(str(value).lower())
        if flag is None:
            raise UsageError(f"{where}: expected true or false, got {value!r}")
        return action.const if flag else action.default
    values = value if isinstance(value, list) else [value]
    if len(values) != 1 and not isinstance(action, argparse._AppendAction):
        raise UsageError(f"{where}: expected one value, got {value!r}")
    converted = []
    for one in values:
        if isinstance(one, (bool, dict, list)):
            raise UsageError(f"{where}: expected a text or a number, got {one!r}")
        try:
            converted.append(action.type(str(one)) if callable(action.type) else str(one))
        except (argparse.ArgumentTypeError, ValueError) as error:
            raise UsageError(f"{where}: {error}") from error
        if action.choices is not None and converted[-1] not in action.choices:
            raise UsageError(
                f"{where}: expected one of {', '.join(map(str, action.choices))}, got {one!r}"
            )
    return converted if isinstance(action, argparse._AppendAction) else converted[0]


def _read_config() -> tuple[str, dict[str, Any]]:
    """The configuration file, $EDGEIQA_CONFIG or edgeiqa.toml in the folder for configurations."""
    path = os.environ.get(f"{PREFIX}CONFIG")
    if path is None:
        base = os.environ.get("XDG_CONFIG_HOME") or os.path.join(os.path.expanduser("~"), ".config")
        path = os.path.join(base, "edgeiqa.toml")
        if not os.path.exists(path):
            return path, {}
    elif not path:
        return path, {}
    from edgeiqa.files.plain import open_plain

    try:
        toml: Any = importlib.import_module("tomllib")
    except ImportError as error:
        raise UsageError(f"{path}: configuration files need Python 3.11 or newer") from error
    try:
        with open_plain(path) as stream:
            return path, toml.load(stream)
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror or error}") from error
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{path}: not valid TOML: {error}") from error


def _commands(parser: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            return dict(action.choices)
    return {}


def _options(parser: argparse.ArgumentParser) -> Iterator[argparse.Action]:
    for action in parser._actions:
        if action.option_strings and not NOT_CONFIGURABLE.intersection(_keys(action)):
            yield action


def _keys(action: argparse.Action) -> list[str]:
    """The keys of an option: its long names, with underscores."""
    return [name[2:].replace("-", "_") for name in action.option_strings if name[:2] == "--"]


def _excluded(parser: argparse.ArgumentParser, argv: Sequence[str]) -> set[str]:
    """Options whose defaults do not count, as an option that excludes them was given."""
    given = {word.partition("=")[0] for word in argv if word.startswith("--")}
    excluded: set[str] = set()
    for group in parser._mutually_exclusive_groups:
        if any(given.intersection(action.option_strings) for action in group._group_actions):
            excluded.update(action.dest for action in group._group_actions)
    return excluded


def _words(parser: argparse.ArgumentParser) -> Iterator[str]:
    """All words that are valid somewhere: commands, options, choices."""
    for action in parser._actions:
        yield from action.option_strings
        if action.choices is not None:
            yield from map(str, action.choices)
    for command in _commands(parser).values():
        yield from _words(command)


def _suggestion(word: str, known: Any) -> str:
    similar = difflib.get_close_matches(word, [name.replace("_", "-") for name in known], 1, 0.6)
    return f"; did you mean {similar[0]!r}?" if similar else ""
