// Controls tests/tools/fault.c: a milky whose n-th allocation or system call fails, whose clock is moved.
import { execFileSync } from 'node:child_process';
import { closeSync, ftruncateSync, openSync, readFileSync, readSync, writeSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { folder } from './fixtures.mjs';

// enum fault_call, in its order.
const CALLS = ['malloc', 'calloc', 'realloc', 'aligned', 'accept', 'recv', 'read', 'send', 'write', 'pread',
  'pwrite', 'sync', 'open', 'truncate', 'epoll_ctl', 'epoll_wait', 'socket', 'connect', 'bind', 'listen',
  'sockopt', 'sockname', 'shutdown', 'lock', 'close', 'mmap', 'unlink', 'rename', 'mkdir', 'stat', 'eventfd',
  'pipe', 'random'];
export const MEMORY = CALLS.slice(0, 4);
export const SYSTEM = CALLS.slice(4);
export const errno = { EIO: 5, EMFILE: 24, ENOSPC: 28, EROFS: 30 };

// struct fault_page: 64-bit fields, then the frames, then the end of a file's name.
const FIELDS = ['calls', 'countdown', 'times', 'variant', 'error', 'clock', 'seen', 'fired', 'live', 'accepts',
  'polls', 'failed', 'gave'];
const [FRAMES, FRAME] = [24, 64];
const FILE = FIELDS.length * 8 + FRAMES * FRAME;
const SIZE = FILE + FRAME;

export function isSanitized() {
  return readFileSync(process.env.MILKY).includes('libasan.so');
}

// The environment of a program that loads one of the libraries of tests/tools before its own.
export function preloading(name) {
  const libraries = [join(dirname(process.env.TESTEE), name)];
  const env = {};
  if (isSanitized()) {
    libraries.push(execFileSync('gcc', ['-print-file-name=libasan.so']).toString().trim());
    env.ASAN_OPTIONS = `${process.env.ASAN_OPTIONS ?? ''}:verify_asan_link_order=0:allocator_may_return_null=1`;
  }
  return { ...env, LD_PRELOAD: libraries.join(' ') };
}

export class Faults {
  #fd;

  static async make(t) {
    const faults = new Faults();
    faults.file = join(await folder(t), 'faults');
    faults.#fd = openSync(faults.file, 'w+');
    t.after(() => closeSync(faults.#fd));
    ftruncateSync(faults.#fd, SIZE);
    return faults;
  }

  // For the next process: nothing fails, nothing is allocated.
  reset() {
    writeSync(this.#fd, Buffer.alloc(SIZE), 0, SIZE, 0);
  }

  // The options of a milky that can be made to fail.
  get env() {
    const env = { FAULT_FILE: this.file, ...preloading('libfault.so') };
    if (!isSanitized()) env.GLIBC_TUNABLES = 'glibc.malloc.perturb=165'; // memory that is used after it was freed is nonsense
    return env;
  }

  #set(field, value) {
    const bytes = Buffer.alloc(8);
    bytes.writeBigInt64LE(BigInt(value));
    writeSync(this.#fd, bytes, 0, 8, FIELDS.indexOf(field) * 8);
  }

  #get(field) {
    const bytes = Buffer.alloc(8);
    readSync(this.#fd, bytes, 0, 8, FIELDS.indexOf(field) * 8);
    return Number(bytes.readBigInt64LE());
  }

  // The `at`-th of these calls fails from now on, and the `times` - 1 after it. Of writes only those count
  // that go into a file whose name ends with `file`.
  arm({ calls, at = 1, times = 1, variant = 0, error = 0, file = '' }) {
    this.disarm();
    writeSync(this.#fd, Buffer.from(file.padEnd(FRAME, '\0')), 0, FRAME, FILE);
    for (const [field, value] of Object.entries({ countdown: at, times, variant, error, seen: 0, fired: 0 })) {
      this.#set(field, value);
    }
    let bits = 0n;
    for (const name of calls) bits |= 1n << BigInt(CALLS.indexOf(name));
    this.#set('calls', bits);
  }

  // Returns how many calls were counted, and how many failed.
  disarm() {
    this.#set('calls', 0);
    return { seen: this.#get('seen'), fired: this.#get('fired') };
  }

  set clock(ms) { this.#set('clock', ms); }
  get fired() { return this.#get('fired'); }
  get live() { return this.#get('live'); }
  get accepts() { return this.#get('accepts'); }
  get polls() { return this.#get('polls'); }

  // The call that failed, its error, and its callers, as functions and lines where they are known.
  describe() {
    if (this.fired === 0) return 'nothing failed';
    const frames = Buffer.alloc(FRAMES * FRAME);
    readSync(this.#fd, frames, 0, frames.length, FIELDS.length * 8);
    const lines = [`${CALLS[this.#get('failed')]} failed with errno ${this.#get('gave')}`];
    for (let i = 0; i < FRAMES; i++) {
      const text = frames.subarray(i * FRAME, (i + 1) * FRAME).toString('latin1').replace(/\0.*/s, '');
      if (text === '') continue;
      const [file, offset] = text.split('+');
      const address = `0x${(parseInt(offset, 16) - 1).toString(16)}`;
      lines.push(process.env.MILKY.endsWith(`/${file}`)
        ? execFileSync('addr2line', ['-fsp', '-e', process.env.MILKY, address]).toString().trim()
        : text);
    }
    return lines.join('\n    ');
  }
}
