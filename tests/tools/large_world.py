#!/usr/bin/env python3
"""large_world.py DATABASE BOT: fills a world of `milky` with 1,000 groups of 100 members each, 100,000
people and 1,000,000 messages, in a few seconds. The bot is in every group and owns it. The database has
been made by milky (start it once, and stop it); no other process may have it open."""

import sqlite3
import sys

PEOPLE, GROUPS, MESSAGES_PER_GROUP, MEMBERS = 100_000, 1_000, 1_000, 100
FIRST_PERSON, FIRST_GROUP, NOW = 20_000_000, 710_000_000, 1_700_000_000
NUMBERS = "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < {most} - 1) "


def fill(database: sqlite3.Connection, bot: int) -> None:
    def run(most: int, sql: str) -> None:
        database.execute(NUMBERS.format(most=most) + sql)

    run(PEOPLE, f"INSERT INTO person (uin, nickname) SELECT {FIRST_PERSON} + i, 'person ' || i FROM n")
    run(PEOPLE, "INSERT INTO friend_category (owner, category_id, name)"
                f" SELECT {FIRST_PERSON} + i, 0, '我的好友' FROM n")
    run(GROUPS, "INSERT INTO qq_group (group_id, name, max_member_count, created_time)"
                f" SELECT {FIRST_GROUP} + i, 'group ' || i, 2000, {NOW} FROM n")
    run(GROUPS, "INSERT INTO member (group_id, uin, role, join_time, is_bot)"
                f" SELECT {FIRST_GROUP} + i, {bot}, 2, {NOW}, 1 FROM n")
    run(GROUPS * (MEMBERS - 1), "INSERT INTO member (group_id, uin, join_time)"
        f" SELECT {FIRST_GROUP} + i / {MEMBERS - 1}, {FIRST_PERSON} + i % {PEOPLE}, {NOW} FROM n")
    run(GROUPS, "INSERT INTO conversation (id, scene, low, high, last_seq)"
                f" SELECT 1000000 + i, 1, {FIRST_GROUP} + i, 0, {MESSAGES_PER_GROUP} FROM n")
    # In the order of the tree, so that SQLite only appends.
    run(GROUPS * MESSAGES_PER_GROUP, "INSERT INTO message (id, sender, time, segments)"
        f" SELECT (1000000 + i / {MESSAGES_PER_GROUP}) << 32 | (i % {MESSAGES_PER_GROUP} + 1),"
        f" {FIRST_PERSON} + (i / {MESSAGES_PER_GROUP} * {MEMBERS - 1} + i % {MEMBERS - 1}) % {PEOPLE},"
        f" {NOW} + i % {MESSAGES_PER_GROUP},"
        ' \'[{"type":"text","data":{"text":"message \' || i || \'"}}]\' FROM n')


def main() -> int:
    if len(sys.argv) != 3:
        print(__doc__, file=sys.stderr)
        return 2
    database = sqlite3.connect(sys.argv[1], isolation_level=None)
    for setting in ("foreign_keys = OFF", "synchronous = OFF", "journal_mode = DELETE", "cache_size = -262144"):
        database.execute(f"PRAGMA {setting}")
    database.execute("BEGIN IMMEDIATE")
    fill(database, int(sys.argv[2]))
    database.execute("COMMIT")
    database.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
