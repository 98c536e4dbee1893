import { type ContentKind, contentKindOfText } from './content-kind.ts';
import { eachHeaderLine } from './header-lines.ts';
import { beginsAsClaim, type HeaderFilter, headerId, knownHeaderNames } from './header-names.ts';
import type { MessageHeaders, HeaderSink } from './message.ts';

/** Header lines as HTTP/2 has them: names in lowercase, values, in order. */
export type HeaderPairs = readonly (readonly [name: string, value: string])[];

/** A header section that is backed by pairs, not by bytes. */
export class PairHeaders implements MessageHeaders {
  readonly pairs: HeaderPairs;

  constructor(pairs: HeaderPairs) {
    this.pairs = pairs.map(([name, value]) => [name.toLowerCase(), value]);
  }

  get(name: string): string | null {
    const values = this.pairs.filter(([candidate]) => candidate === name).map(([, value]) => value);
    return values.length === 0 ? null : values.join(', ');
  }

  has(name: string): boolean {
    return this.pairs.some(([candidate]) => candidate === name);
  }

  hasId(id: number): boolean {
    return this.has(knownHeaderNames[id] as string);
  }

  contentKind(): ContentKind {
    return contentKindOfText(this.get('content-type'));
  }

  each(visit: (name: string, value: string) => void): void {
    for (const [name, value] of this.pairs) visit(name, value);
  }

  writeTo(sink: HeaderSink, drop: HeaderFilter): void {
    for (const [name, value] of this.pairs) if (!isDropped(name, drop)) sink.header(name, value);
  }
}

function isDropped(name: string, drop: HeaderFilter): boolean {
  const id = headerId(name);
  return id === 0 ? drop.others?.has(name) === true || (drop.claims && beginsAsClaim(name)) : drop.known[id] === 1;
}

/** The pairs that a writer of headers writes. */
export function pairsWritten(write: (sink: HeaderSink) => void): PairHeaders {
  const pairs: [string, string][] = [];
  write({
    header: (name, value) => void pairs.push([name, value]),
    headerLines: (bytes, start, end) =>
      eachHeaderLine(bytes, start, end, (name, value) => void pairs.push([name, value])),
  });
  return new PairHeaders(pairs);
}
