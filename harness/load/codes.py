"""The kinds of problem that a file can have: one word each, for tests and for whoever wants an explanation."""

from __future__ import annotations

from enum import StrEnum


class Code(StrEnum):
    """What is wrong with a file; the value is the `code` of a `Problem`."""

    # The file itself.
    UNREADABLE = "unreadable"
    NOT_UTF8 = "not-utf8"
    TOO_LARGE = "too-large"
    NO_SCENARIOS = "no-scenarios"
    DUPLICATE_ITEM = "duplicate-item"

    # YAML.
    SYNTAX = "syntax"
    TAB = "tab"
    CHARACTER = "character"
    EMPTY_FILE = "empty-file"
    SECOND_DOCUMENT = "second-document"
    DIRECTIVE = "directive"
    TOO_DEEP = "too-deep"
    TOO_MANY = "too-many"
    ALIAS = "alias"
    TAG = "tag"
    MERGE_KEY = "merge-key"
    KEY_TYPE = "key-type"
    DUPLICATE_KEY = "duplicate-key"

    # The form of a value.
    WRONG_TYPE = "wrong-type"
    EMPTY_VALUE = "empty-value"
    UNKNOWN_KEY = "unknown-key"
    MISSING_KEY = "missing-key"
    UNKNOWN_VALUE = "unknown-value"
    OUT_OF_RANGE = "out-of-range"
    BAD_NUMBER = "bad-number"
    BAD_DURATION = "bad-duration"
    BAD_NAME = "bad-name"
    BAD_REFERENCE = "bad-reference"
    BAD_PATTERN = "bad-pattern"
    UNKNOWN_OPERATOR = "unknown-operator"
    BAD_ADDRESS = "bad-address"
    BAD_MODE = "bad-mode"

    # Actors, steps and the matrix.
    ACTOR_KIND = "actor-kind"
    NO_VERB = "no-verb"
    TWO_VERBS = "two-verbs"
    MISPLACED_VERB = "misplaced-verb"
    MISPLACED_OPTION = "misplaced-option"
    BAD_MATRIX = "bad-matrix"
    UNUSED_VARIABLE = "unused-variable"
    UNKNOWN_CLAUSE = "unknown-clause"
    DUPLICATE_VALUE = "duplicate-value"
    UNKNOWN_MACRO = "unknown-macro"
    WRONG_INPUTS = "wrong-inputs"
    UNKNOWN_FUNCTION = "unknown-function"

    # Names, in the order of the steps.
    DUPLICATE_NAME = "duplicate-name"
    UNDEFINED_NAME = "undefined-name"
    TOO_EARLY = "too-early"
    UNKNOWN_FIELD = "unknown-field"
    WRONG_KIND = "wrong-kind"
    UNUSED_ACTOR = "unused-actor"
    NOT_STARTED = "not-started"
    NOT_CONNECTED = "not-connected"
    NOT_RUNNING = "not-running"

    # What can never fail, never hold, or contradicts itself.
    NOTHING_CHECKED = "nothing-checked"
    CONTRADICTION = "contradiction"
    ALWAYS_TRUE = "always-true"
    NEVER_TRUE = "never-true"
    NO_EFFECT = "no-effect"
