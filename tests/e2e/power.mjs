// The power fails: what steers tests/tools/power.c.
import { copyFile, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { preloading } from './faults.mjs';

// What a milky is started with whose files are to be cut.
export const powerEnv = () => preloading('libpower.so');

// After its end: of each database, and of its log, what was flushed is left, or also what was only written.
export async function cutPower(dir, choose = () => Math.random() < 0.7) {
  const names = await readdir(dir);
  for (const name of names.filter((file) => /\.db(-wal)?$/.test(file))) {
    const [path, flushed] = [join(dir, name), join(dir, `${name}.flushed`)];
    if (!choose(name)) await copyFile(path, flushed);
    else if (names.includes(`${name}.flushed`)) await copyFile(flushed, path);
    else await rm(path);
  }
}
