#!/usr/bin/env python3
"""Makes what there is of spec/qq-limits.json, the limits of QQ that the sandbox has.

    generate_limits.py table qq-limits.json OUT.c      the table of src/backend/sandbox/turn/limits.h
    generate_limits.py docs qq-limits.json FILE...     renews limit_ids.h and the list in docs/
    generate_limits.py check qq-limits.json FILE...    fails where these are stale

What does not fit stops the build here. GENERATOR.md explains qq-limits.json.
"""
import json
import re
import sys

sys.dont_write_bytecode = True  # nothing is left beside the sources

from generate import load
from generate_model import Mistake, fail

EXCESS = {
    "refuse": ("refused", "拒绝"), "drop": ("silently dropped", "静默丢弃"), "warn": ("a warning", "警告"),
    "split": ("split", "拆分"), "truncate": ("cut", "截断"), "temporary": ("made temporary", "转为临时"),
    "client": ("the apps' rule", "仅客户端"),
}
SANDBOX = {
    "check": ("checked", "检查"), "rule": ("a rule of the world", "世界的规则"), "fault": ("a fault", "故障"),
    "setting": ("a setting", "设置"), "none": ("not kept", "无此限制"),
}
CONFIDENCE = {"high": ("high", "高"), "medium": ("medium", "中"), "low": ("low", "低")}
UNITS = {
    "characters": "字符", "bytes": "字节", "weight units": "单位", "segment with content": "个消息段",
    "images": "张", "reply segment": "个回复", "milliseconds": "毫秒", "frames": "帧", "byte": "字节",
    "stickers": "个", "images a day": "张/天", "levels": "层", "lines": "行", "chats": "个会话", "kinds": "种",
    "seconds": "秒", "times a day": "次/天", "likes a day": "次/天", "likes": "次", "people a day": "人/天",
    "minute": "分钟", "admins": "人", "friends": "人", "members": "人", "approvals": "次", "messages": "条",
    "entries": "条", "files": "个", "days": "天", "hours": "小时", "level": "层", "format": "", "id": "",
}
PLACES = {"limit", "least", "value", "subject", "given"}
MARKED = re.compile(r"(<!-- spec/qq-limits\.json -->\n).*?(<!-- end -->\n)", re.DOTALL)


# --- the rows ---

def check_text(where, text, places):
    unknown = set(re.findall(r"\{(\w*)\}", text)) - places
    if unknown or not text:
        fail(where, f"has no text, or places that there are not: {sorted(unknown)}")


def check_row(row):
    where = row["id"]
    for key, names in (("excess", EXCESS), ("sandbox", SANDBOX), ("confidence", CONFIDENCE)):
        if row.get(key) not in names:
            fail(where, f"{key} is {row.get(key)!r}")
    if ("limit" in row) == ("rule" in row):
        fail(where, "needs one of limit and rule")
    if row.get("unit") is not None and row["unit"] not in UNITS:
        fail(where, f"the unit {row['unit']!r} has no Chinese name")
    for language in ("en", "zh"):
        check_text(where, row.get(language, ""), set())
        if row["sandbox"] == "check":
            check_text(where, row.get("says", {}).get(language, ""), PLACES)
    if row["sandbox"] == "check" and (row["excess"] not in ("refuse", "drop", "warn") or "retcode" not in row):
        fail(where, "is checked: it needs a retcode, and refuses, drops or warns")


def rows_of(table):
    rows = table["limits"]
    for row in rows:
        check_row(row)
    names = [row["id"] for row in rows]
    if len(set(names)) != len(names):
        fail("limits", "two have one id")
    return rows


def constant(row):
    return f"SB_LIMIT_{row['id'].upper()}"


def does(row):
    """What the sandbox does: a doubtful limit warns."""
    return "warn" if row["confidence"] == "low" and row["sandbox"] == "check" else row["excess"]


# --- C ---

def said(row, language):
    """The reason of a refusal, with QQ's own answer."""
    text = row.get("says", {}).get(language)
    if text is None:
        return "NULL"
    answer = " ".join(str(row["qq"][key]) for key in ("code", "text") if key in row.get("qq", {}))
    if answer and row["excess"] == "refuse":
        text += f" (QQ: {answer})" if language == "en" else f"（QQ：{answer}）"
    return json.dumps(text, ensure_ascii=False)


def table(rows):
    lines = ["/* Made by spec/generate_limits.py; not to be edited. */",
             '#include "backend/sandbox/turn/limits.h"', "",
             "const struct sb_limit sb_limits[SB_LIMIT_COUNT] = {"]
    for row in rows:
        excess = f"SB_EXCESS_{does(row).upper()}" if row["sandbox"] == "check" else "SB_EXCESS_NONE"
        lines.append(f"    [{constant(row)}] = {{ \"{row['id']}\", {row.get('least', 0)}, {row.get('limit', 0)}, "
                     f"{excess}, {row.get('retcode', 0)}, {{ {said(row, 'en')}, {said(row, 'zh')} }} }},")
    lines += ["};", f"_Static_assert(SB_LIMIT_COUNT == {len(rows)}, \"limit_ids.h is stale: run make docs\");"]
    return "\n".join(lines) + "\n"


def ids(rows):
    lines = ["/* limit_ids: the limits of spec/qq-limits.json. Made by spec/generate_limits.py (make docs). */",
             "#ifndef SB_TURN_LIMIT_IDS_H", "#define SB_TURN_LIMIT_IDS_H", "", "enum sb_limit_id {"]
    lines += [f"    {constant(row)}," for row in rows]
    return "\n".join(lines + ["    SB_LIMIT_COUNT", "};", "", "#endif"]) + "\n"


# --- documents ---

def amount(number, unit):
    for name, size in (("GiB", 1 << 30), ("MiB", 1 << 20)):
        if unit in ("bytes", "个字节", "字节") and number >= size and number % size == 0:
            return f"{number // size} {name}"
    return f"{number} {unit}".rstrip()


def limit_text(row, zh):
    if "rule" in row:
        return row["rule"] if not zh else ""
    unit = row.get("unit") or ""
    least = f"{row['least']}{' 至 ' if zh else ' to '}" if "least" in row else ""
    return least + amount(row["limit"], UNITS[unit] if zh and unit else unit)


def listed(rows, zh):
    head = ["限制", "含义", "数值", "QQ 的做法", "可信度", "沙盒", "来源"] if zh else \
        ["limit", "what", "number", "QQ", "confidence", "sandbox", "source"]
    lines = ["| " + " | ".join(head) + " |", "| " + " | ".join(["---"] * len(head)) + " |"]
    for row in rows:
        qq = EXCESS[row["excess"]][zh]
        if "code" in row.get("qq", {}):
            qq += f" ({row['qq']['code']})"
        ours = SANDBOX[row["sandbox"]][zh]
        if row["sandbox"] == "check":
            ours = EXCESS[does(row)][zh]
        cells = [f"`{row['id']}`", row["zh" if zh else "en"], limit_text(row, zh), qq,
                 CONFIDENCE[row["confidence"]][zh], ours, row["source"]]
        lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return "\n".join(lines) + "\n"


def renewed(rows, name, text):
    if name.endswith(".h"):
        return ids(rows)
    if not MARKED.search(text):
        fail(name, "there is no place for the limits")
    return MARKED.sub(lambda match: match.group(1) + listed(rows, ".zh" in name) + match.group(2), text)


def renew(rows, files, only_check):
    for name in files:
        with open(name, encoding="utf-8") as file:
            text = file.read()
        made = renewed(rows, name, text)
        if made == text:
            continue
        if only_check:
            fail(name, "is stale: run `make docs`")
        with open(name, "w", encoding="utf-8") as file:
            file.write(made)


def main():
    if len(sys.argv) < 4 or sys.argv[1] not in ("table", "docs", "check"):
        sys.exit(__doc__)
    rows = rows_of(load(sys.argv[2]))
    if sys.argv[1] != "table":
        renew(rows, sys.argv[3:], sys.argv[1] == "check")
        return
    with open(sys.argv[3], "w", encoding="utf-8") as file:
        file.write(table(rows))


if __name__ == "__main__":
    try:
        main()
    except Mistake as mistake:
        sys.exit(f"generate_limits.py: {mistake}")
