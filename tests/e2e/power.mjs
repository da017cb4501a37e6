// A loss of power: controls tests/tools/power.c.
import { copyFile, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { preloading } from './faults.mjs';

// The environment of a milky whose files are to be cut.
export const powerEnv = () => preloading('libpower.so');

// After its end: cuts each database and its log to the flushed bytes, or keeps bytes that were only written too.
export async function cutPower(dir, choose = () => Math.random() < 0.7) {
  const names = await readdir(dir);
  for (const name of names.filter((file) => /\.db(-wal)?$/.test(file))) {
    const [path, flushed] = [join(dir, name), join(dir, `${name}.flushed`)];
    if (!choose(name)) await copyFile(path, flushed);
    else if (names.includes(`${name}.flushed`)) await copyFile(flushed, path);
    else await rm(path);
  }
}
