// Contents of each kind, different for each number: only their headers are real.
import { randomBytes } from 'node:crypto';

const be32 = (n) => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(n >>> 0);
  return bytes;
};
const le = (n, size) => {
  const bytes = Buffer.alloc(size);
  bytes.writeUIntLE(n, 0, size);
  return bytes;
};

// `size` bytes at least; the bytes after the header are random, so that each content is different.
export function png(width, height, size = 64) {
  const head = Buffer.concat([
    Buffer.from('89504e470d0a1a0a', 'hex'), be32(13), Buffer.from('IHDR'), be32(width), be32(height),
    Buffer.from([8, 6, 0, 0, 0]), be32(0),
  ]);
  return Buffer.concat([head, randomBytes(Math.max(size - head.length, 16))]);
}

export function gif(width, height) {
  return Buffer.concat([Buffer.from('GIF89a'), le(width, 2), le(height, 2), randomBytes(16)]);
}

// Mono, of 8 bits, at 8,000 Hz.
export function wav(seconds) {
  const data = randomBytes(seconds * 8000);
  return Buffer.concat([
    Buffer.from('RIFF'), le(36 + data.length, 4), Buffer.from('WAVEfmt '), le(16, 4), le(1, 2), le(1, 2),
    le(8000, 4), le(8000, 4), le(1, 2), le(8, 2), Buffer.from('data'), le(data.length, 4), data,
  ]);
}

// The format of QQ's own voice messages.
export function silk(seconds) {
  const frame = Buffer.concat([le(10, 2), randomBytes(10)]);
  return Buffer.concat([Buffer.from('\x02#!SILK_V3', 'latin1'), ...Array(seconds * 50).fill(frame)]);
}

const box = (type, ...parts) => {
  const body = Buffer.concat(parts);
  return Buffer.concat([be32(8 + body.length), Buffer.from(type), body]);
};

export function mp4(width, height, seconds) {
  const header = box('mvhd', Buffer.alloc(12), be32(1000), be32(seconds * 1000), Buffer.alloc(80));
  const track = box('trak',
    box('tkhd', Buffer.alloc(76), be32(width * 65536), be32(height * 65536)),
    box('mdia', box('hdlr', Buffer.alloc(8), Buffer.from('vide'), Buffer.alloc(12))));
  return Buffer.concat([
    box('ftyp', Buffer.from('isom'), Buffer.alloc(8)), box('mdat', randomBytes(100)), box('moov', header, track),
  ]);
}

// --- formats of other makers: each of a header and a few frames ---

const be = (n, size) => {
  const bytes = Buffer.alloc(size);
  bytes.writeUIntBE(n, 0, size);
  return bytes;
};
const raw = (text) => Buffer.from(text, 'latin1');
const join = (...parts) => Buffer.concat(parts.map((part) => (typeof part === 'string' ? raw(part) : Buffer.from(part))));
const double = (n) => {
  const bytes = Buffer.alloc(8);
  bytes.writeDoubleBE(n);
  return bytes;
};

// Without a duration in its header: one fragment a second, of 25 samples. `kind`: 'vide' or 'soun'.
export function fragments(kind, width, height, seconds) {
  const full = (type, ...parts) => box(type, be32(0), ...parts);
  const media = box('mdia', full('mdhd', be32(0), be32(0), be32(25), be32(0), be32(0)), full('hdlr', be32(0), raw(kind), Buffer.alloc(12)));
  const track = box('trak', full('tkhd', be32(0), be32(0), be32(1), Buffer.alloc(60), be32(width * 65536), be32(height * 65536)), media);
  const movie = box('moov', full('mvhd', be32(0), be32(0), be32(1000), be32(0), Buffer.alloc(80)), track,
    box('mvex', full('trex', be32(1), be32(1), be32(1), be32(0), be32(0))));
  const fragment = box('moof', full('mfhd', be32(1)), box('traf', full('tfhd', be32(1)), full('trun', be32(25))));
  return Buffer.concat([box('ftyp', raw(kind === 'vide' ? 'iso5' : 'M4A '), Buffer.alloc(8)), movie,
    ...Array(seconds).fill(0).flatMap(() => [fragment, box('mdat', randomBytes(9))])]);
}

export function aac(seconds) {
  const frame = () => join([0xff, 0xf1, 0x50, 0x80, 0x02, 0x9f, 0xfc], randomBytes(13));
  return Buffer.concat(Array(Math.round(seconds * 44100 / 1024)).fill(0).map(frame));
}

const element = (id, ...parts) => {
  const body = join(...parts);
  return join(id, be(0x10000000 + body.length, 4), body);
};
const TRACK = [0xae];

// As a browser records it, without sizes and duration, unless `inHeader`. Sound alone: a width of 0.
export function webm(width, height, seconds, { type = 'webm', inHeader = false } = {}) {
  const open = [0x01, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff];
  const track = width ? element(TRACK, element([0x83], [1]), element([0xe0], element([0xb0], be(width, 2)), element([0xba], be(height, 2))))
    : element(TRACK, element([0x83], [2]));
  return join(element([0x1a, 0x45, 0xdf, 0xa3], element([0x42, 0x82], type)), [0x18, 0x53, 0x80, 0x67], open,
    element([0x15, 0x49, 0xa9, 0x66], element([0x2a, 0xd7, 0xb1], be(1000000, 3)), inHeader ? element([0x44, 0x89], double(seconds * 1000)) : []),
    element([0x16, 0x54, 0xae, 0x6b], track), [0x1f, 0x43, 0xb6, 0x75], open, element([0xe7], be(seconds * 1000 - 500, 4)),
    element([0xa3], [0x81, 0x01, 0xf4, 0x80], randomBytes(20)));
}

// Of a live stream, without a duration in its description.
export function flv(width, height, seconds, { inHeader = false } = {}) {
  const tag = (type, ms, body) => join([type], be(body.length, 3), be(ms & 0xffffff, 3), [ms >> 24], [0, 0, 0], body, be32(body.length + 11));
  const number = (name, n) => join(be(name.length, 2), name, [0], double(n));
  const meta = join([2, 0, 10], 'onMetaData', [8, 0, 0, 0, 3], inHeader ? number('duration', seconds) : [], number('width', width),
    number('height', height), [0, 0, 9]);
  return join('FLV', [1, 5], be32(9), be32(0), tag(18, 0, meta), tag(9, 0, randomBytes(20)), tag(8, seconds * 1000, randomBytes(20)));
}

export function avi(width, height, seconds) {
  const chunk = (type, ...parts) => {
    const body = join(...parts);
    return join(type, le(body.length, 4), body, body.length % 2 ? [0] : []);
  };
  return chunk('RIFF', 'AVI ', chunk('LIST', 'hdrl', chunk('avih', le(40000, 4), Buffer.alloc(12), le(seconds * 25, 4), Buffer.alloc(12),
    le(width, 4), le(height, 4), Buffer.alloc(16))), chunk('LIST', 'movi', randomBytes(40)));
}

// Of H.264, or of AAC alone.
export function ts(seconds, { video = true } = {}) {
  const packet = (pid, body) => join([0x47, 0x40 | pid >> 8, pid & 255, 0x30, 183 - body.length], Buffer.alloc(183 - body.length), body);
  const time = (n) => [0x21 | n / 2 ** 29 & 14, n / 2 ** 22 & 255, n >> 14 & 255 | 1, n >> 7 & 255, n << 1 & 255 | 1];
  const frame = (n) => packet(0x101, join([0, 0, 1, 0xe0, 0, 0, 0x80, 0x80, 5], time(n), randomBytes(60)));
  return join(packet(0, [0, 0, 0xb0, 13, 0, 1, 0xc1, 0, 0, 0, 1, 0xe1, 0, 1, 2, 3, 4]),
    packet(0x100, [0, 2, 0xb0, 18, 0, 1, 0xc1, 0, 0, 0xe1, 1, 0xf0, 0, video ? 0x1b : 0x0f, 0xe1, 1, 0xf0, 0, 1, 2, 3, 4]),
    frame(90000), frame(90000 * 2), frame(90000 * (seconds + 1)));
}

export function aiff(seconds) {
  return join('FORM', be32(1000), 'AIFF', 'COMM', be32(18), [0, 1], be32(seconds * 44100), [0, 16],
    [0x40, 0x0e, 0xac, 0x44, 0, 0, 0, 0, 0, 0], 'SSND', be32(40), randomBytes(40));
}

export function caf(seconds) {
  return join('caff', [0, 1, 0, 0], 'desc', be32(0), be32(32), double(48000), 'aac ', be32(0), be32(0), be32(1024), be32(1), be32(0),
    'pakt', be32(0), be32(24), be32(0), be32(9), be32(0), be32(seconds * 48000), be32(0), be32(0), 'data', [255, 255, 255, 255, 255, 255, 255, 255],
    randomBytes(40));
}

// A thumbnail, and then the picture. `brand`: 'heic' or 'avif'.
export function heif(brand, width, height) {
  const size = (w, h) => box('ispe', be32(0), be32(w), be32(h));
  return Buffer.concat([box('ftyp', raw(brand), be32(0), raw('mif1')), box('meta', be32(0), box('pitm', be32(0), be(2, 2)),
    box('iprp', box('ipco', size(160, 120), size(width, height)), box('ipma', be32(0), be32(2), join([0, 1, 1, 1, 0, 2, 1, 2])))),
  box('mdat', randomBytes(40))]);
}

export function tiff(width, height) {
  const entry = (tag, n) => join(le(tag, 2), le(4, 2), le(1, 4), le(n, 4));
  return join('II*', [0], le(8, 4), le(2, 2), entry(256, width), entry(257, height), le(0, 4), randomBytes(40));
}

export const base64 = (content) => `base64://${content.toString('base64')}`;
