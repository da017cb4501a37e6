#!/usr/bin/env python3
"""Makes what there is of spec/sandbox.json, the table of the operator's requests.

    generate_sandbox.py tables milky-1.3.json sandbox.json OUT.c      for src/protocol/operations.h
    generate_sandbox.py help milky-1.3.json sandbox.json OUT.c        for src/cli/operations.h
    generate_sandbox.py docs milky-1.3.json sandbox.json FILE.md...   renews the tables in docs/
    generate_sandbox.py check milky-1.3.json sandbox.json FILE.md...  fails where these are stale

What does not fit stops the build here. GENERATOR.md explains sandbox.json.
"""
import json
import sys

sys.dont_write_bytecode = True  # nothing is left beside the sources

import generate_docs
from generate import load
from generate_c import NAME_MAX, Writer
from generate_model import FIELDS_MAX, Mistake, fail
from generate_operations import Operations


class OperationWriter(Writer):
    """The operations as C. The objects that they need are written once more, for this file alone."""

    def slices(self, name, texts):
        if not texts:
            return "NULL"
        self.lines.append(f"static const struct mk_slice {name}[] = "
                          f"{{ {', '.join(map(self.text, texts))} }};")
        return name

    def operation(self, made, person):
        if len(made.name) > NAME_MAX:
            fail(made.name, f"longer than {NAME_MAX} bytes")
        rows = [f"    {{ {self.text(form.with_)}, {self.text(form.name)}, "
                f"&{self.names[form.params]} }}," for form in made.forms]
        self.lines += [f"static const struct mk_form forms_{made.name}[] = {{"] + rows + ["};"]
        # Which of them must be given: those that decide, but for one that goes with another.
        choice = [name for name in made.specs
                  if name in [form.with_ for form in made.forms if not form.needs]]
        return (f"    {{ {self.text(made.name)}, {str(person).lower()}, "
                f"&{self.names[made.fields]}, forms_{made.name}, {len(rows)}, "
                f"{self.slices(f'choice_{made.name}', choice)}, {len(choice)}, "
                f"{self.slices(f'one_of_{made.name}', made.one_of)}, {len(made.one_of)} }},")

    def all(self, operations):
        for key, (fields, _) in self.model.objects.items():
            if len(fields) > FIELDS_MAX:
                fail(key, f"more than {FIELDS_MAX} fields")
        self.lines = ["/* Made by spec/generate_sandbox.py; not to be edited. */",
                      '#include "protocol/operations.h"', "",
                      "extern const struct milky_operations sb_operations;", ""]
        self.structs()
        groups = self.model.sandbox["groups"]
        rows = [self.operation(made, bool(groups[made.spec["group"]].get("person")))
                for made in operations]
        self.lines += ["static const struct mk_operation operations[] = {"] + rows + ["};"]
        self.lines.append("const struct milky_operations sb_operations = "
                          f"{{ operations, {len(rows)} }};")
        return "\n".join(self.lines) + "\n"


def help_text(operations, sandbox):
    """What `milky do --help` says, as C."""
    quote = lambda text: json.dumps(text, ensure_ascii=False)
    both = lambda spec: f"{quote(spec['en'])}, {quote(spec['zh'])}"
    lines = ["/* Made by spec/generate_sandbox.py; not to be edited. */",
             '#include "cli/operations.h"', ""]
    for made in operations:
        specs = made.specs
        if sandbox["groups"][made.spec["group"]].get("person"):
            specs = {"as": sandbox["as"], **specs}
        lines += [f"static const struct mk_help_field fields_{made.name}[] = {{"]
        lines += [f"    {{ {quote(name)}, {both(spec)} }}," for name, spec in specs.items()]
        lines += ["    { NULL, NULL, NULL },", "};",
                  f"static const char *const example_{made.name}[] = {{"]
        lines += [f"    {quote(line)}," for line in made.spec["example"]] + ["    NULL,", "};"]
    lines += ["const struct mk_operation_help mk_operation_help[] = {"]
    for group, title in sandbox["groups"].items():
        lines += [f"    {{ {quote(made.name)}, {both(made.spec)}, {both(title)}, "
                  f"fields_{made.name}, {quote(made.spec.get('result', '{}'))}, "
                  f"example_{made.name} }},"
                  for made in operations if made.spec["group"] == group]
    lines += ["    { NULL },", "};"]
    return "\n".join(lines) + "\n"


def main():
    if len(sys.argv) < 5 or sys.argv[1] not in ("tables", "help", "docs", "check"):
        sys.exit(__doc__)
    new, sandbox = map(load, sys.argv[2:4])
    model = Operations(new, sandbox)
    operations = model.all()
    if sys.argv[1] in ("docs", "check"):
        generate_docs.renew(model, operations, sys.argv[4:], sys.argv[1] == "check")
        return
    text = (OperationWriter(model).all(operations) if sys.argv[1] == "tables"
            else help_text(operations, sandbox))
    with open(sys.argv[4], "w", encoding="utf-8") as file:
        file.write(text)


if __name__ == "__main__":
    try:
        main()
    except Mistake as mistake:
        sys.exit(f"generate_sandbox.py: {mistake}")
