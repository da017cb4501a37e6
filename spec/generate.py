#!/usr/bin/env python3
"""Makes the C tables of src/protocol/tables.h out of the protocol's JSON tables.

    generate.py milky-1.3.json milky-1.2.json ... milky-draft.json dialects.json OUT.c

The first table is the newest minor version of 1.x, which backends speak; older ones follow, newest first. Every API,
param, result field, event, event field, struct field and variant of the draft must have a counterpart in the newest
version, by the same name or by a row of dialects.json; every row must be used; a mismatch stops the build here.
GENERATOR.md explains the rows, and how to add a minor version.
"""
import json
import sys

sys.dont_write_bytecode = True  # nothing is left beside the sources

from generate_c import Writer
from generate_minor import Minor
from generate_model import SCENES, Mistake, Model, fail


def no_duplicates(pairs):
    keys = [key for key, _ in pairs]
    for key in keys:
        if keys.count(key) > 1:
            fail("JSON", f'"{key}" stands twice in one object')
    return dict(pairs)


def load(path):
    with open(path, encoding="utf-8") as file:
        return json.load(file, object_pairs_hook=no_duplicates)


def version_of(table):
    major, _, minor = table["milky_version"].partition(".")
    if major != "1" or not minor.isdigit():
        fail("tables", f'"milky_version" must be 1.N, not {table["milky_version"]!r}')
    return int(minor)


def main():
    if len(sys.argv) < 5:
        sys.exit(__doc__)
    *versions, draft, dialects = map(load, sys.argv[1:-1])
    if list(dialects["scenes"]) != SCENES:
        fail("dialects.json", f'"scenes" must be {SCENES}')
    numbers = [version_of(table) for table in versions]
    if numbers != sorted(set(numbers), reverse=True):
        fail("tables", f"the versions must come newest first, each once, not as {numbers}")
    model = Model(versions[0], draft, dialects)
    actions = model.actions_new()
    actions_draft = [model.action_draft(name, api) for name, api in draft["apis"].items()]
    events = model.events()
    model.check_complete()
    minors = [Minor(model, table, dict(dialects["minors"].get(table["milky_version"], {}))) for table in versions[1:]]
    older = [{"version": number, "actions": minor.actions(), "events": minor.events()}
             for number, minor in zip(numbers[1:], minors)]
    for minor in minors:
        minor.check_complete()
    text = Writer(model).all(numbers[0], actions, actions_draft, events, older)
    with open(sys.argv[-1], "w", encoding="utf-8") as file:
        file.write(text)


if __name__ == "__main__":
    try:
        main()
    except Mistake as mistake:
        sys.exit(f"generate.py: {mistake}")
