#!/usr/bin/env python3
"""Makes the C tables of src/protocol/tables.h out of the protocol's JSON tables.

    generate.py milky-1.2.json milky-draft.json dialects.json OUT.c

Every API, param, result field, event, event field, struct field and variant of the draft must have
a counterpart in 1.2, by the same name or by a row of dialects.json; every row must be used; a
mismatch stops the build here. GENERATOR.md explains the rows.
"""
import json
import sys

sys.dont_write_bytecode = True  # nothing is left beside the sources

from generate_c import Writer
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


def main():
    if len(sys.argv) != 5:
        sys.exit(__doc__)
    new, draft, dialects = map(load, sys.argv[1:4])
    if list(dialects["scenes"]) != SCENES:
        fail("dialects.json", f'"scenes" must be {SCENES}')
    model = Model(new, draft, dialects)
    actions_new = model.actions_new()
    actions_draft = [model.action_draft(name, api) for name, api in draft["apis"].items()]
    events = model.events()
    model.check_complete()
    text = Writer(model).all(actions_new, actions_draft, events)
    with open(sys.argv[4], "w", encoding="utf-8") as file:
        file.write(text)


if __name__ == "__main__":
    try:
        main()
    except Mistake as mistake:
        sys.exit(f"generate.py: {mistake}")
