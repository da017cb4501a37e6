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

export const base64 = (content) => `base64://${content.toString('base64')}`;
