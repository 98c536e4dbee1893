import assert from 'node:assert/strict';
import { HeadStorage } from '../head-storage.ts';
import { DecodedSection, type HeaderSectionKind, type HeaderSectionLimits } from './decoded-section.ts';
import { HpackDecoder, type HpackError } from './hpack-decoder.ts';

export type HeaderPair = readonly [name: string, value: string];

export const wideLimits: HeaderSectionLimits = { headersMax: 1000, listBytesMax: 1 << 20 };

/** Bytes from hexadecimal digits, as the RFC prints them. */
export function hex(text: string): Buffer {
  return Buffer.from(text.replace(/\s/g, ''), 'hex');
}

/** A decoder with a section of its own. */
export class TestDecoder {
  readonly decoder: HpackDecoder;
  readonly section = new DecodedSection(new HeadStorage());
  readonly limits: HeaderSectionLimits;

  constructor(tableBytesMax = 4096, limits: HeaderSectionLimits = wideLimits) {
    this.decoder = new HpackDecoder(tableBytesMax);
    this.limits = limits;
  }

  tryDecode(block: Uint8Array, kind: HeaderSectionKind = 'request'): HpackError | null {
    this.section.begin(kind, this.limits);
    return this.decoder.decode(block, 0, block.length, this.section);
  }

  /** The section's headers, pseudo-headers first; the block must be right. */
  decode(block: Uint8Array, kind: HeaderSectionKind = 'request'): HeaderPair[] {
    assert.equal(this.tryDecode(block, kind), null);
    assert.equal(this.section.rule, null, this.section.brokenName);
    return pairsOf(this.section);
  }
}

/** All that a section has, read from its lines as every other reader does. */
export function pairsOf(section: DecodedSection): HeaderPair[] {
  const pairs: HeaderPair[] = [];
  const pseudos = { method: 0, scheme: 0, authority: 0, path: 0, protocol: 0, status: 0 };
  for (const name of Object.keys(pseudos) as (keyof typeof pseudos)[]) {
    const value = section[name];
    if (value !== null) pairs.push([`:${name}`, value]);
  }
  const text = section.block?.bytes.toString('latin1', 0, section.length) ?? '';
  for (const line of text.split('\r\n').slice(0, -1)) {
    const colon = line.indexOf(': ');
    pairs.push([line.slice(0, colon), line.slice(colon + 2)]);
  }
  return pairs;
}

/** The names that a section's spans have, by the words of `ParsedHeaders`. */
export function spanPairsOf(section: DecodedSection): HeaderPair[] {
  const { bytes, spans } = section.block ?? assert.fail('the section has a block');
  return Array.from({ length: section.count }, (_, index): HeaderPair => {
    const [nameStart, nameEnd, valueStart, valueEnd] = spans.slice(index * 6, index * 6 + 4);
    return [bytes.toString('latin1', nameStart, nameEnd), bytes.toString('latin1', valueStart, valueEnd)];
  });
}

/** A block with each header as a literal without indexing or Huffman code, whatever it holds: what a hostile client may send. */
export function literals(...headers: readonly HeaderPair[]): Buffer {
  const parts = headers.flatMap(([name, value]) => [Buffer.from([0]), rawString(name), rawString(value)]);
  return Buffer.concat(parts);
}

function rawString(text: string): Buffer {
  return Buffer.concat([integer(0, 7, text.length), Buffer.from(text, 'latin1')]);
}

/** RFC 7541 §5.1. */
export function integer(first: number, prefixBits: number, value: number): Buffer {
  const prefixMax = 2 ** prefixBits - 1;
  if (value < prefixMax) return Buffer.from([first | value]);
  const bytes = [first | prefixMax];
  let rest = value - prefixMax;
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push((rest % 128) + 128);
  return Buffer.from([...bytes, rest]);
}
