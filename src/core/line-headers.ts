import { type ContentKind, contentKindOfText } from './content-kind.ts';
import { beginsAsClaim, type HeaderFilter, headerId, knownHeaderNames } from './header-names.ts';
import type { HeaderSink, MessageHeaders } from './message.ts';

export type HeaderLine = readonly [name: string, value: string];

/** Header lines as text, in their order and spelling. */
export class LineHeaders implements MessageHeaders {
  readonly #lines: readonly HeaderLine[];

  constructor(lines: readonly HeaderLine[]) {
    this.#lines = lines;
  }

  get(name: string): string | null {
    const values = this.#lines.filter(([candidate]) => candidate.toLowerCase() === name).map(([, value]) => value);
    return values.length === 0 ? null : values.join(', ');
  }

  has(name: string): boolean {
    return this.#lines.some(([candidate]) => candidate.toLowerCase() === name);
  }

  hasId(id: number): boolean {
    return this.has(knownHeaderNames[id] ?? '');
  }

  contentKind(): ContentKind {
    return contentKindOfText(this.get('content-type'));
  }

  each(visit: (name: string, value: string) => void): void {
    for (const [name, value] of this.#lines) visit(name.toLowerCase(), value);
  }

  writeTo(sink: HeaderSink, drop: HeaderFilter): void {
    for (const [name, value] of this.#lines) if (!isDropped(name.toLowerCase(), drop)) sink.header(name, value);
  }
}

function isDropped(name: string, drop: HeaderFilter): boolean {
  const id = headerId(name);
  if (id > 0) return drop.known[id] === 1;
  return drop.others?.has(name) === true || (drop.claims && beginsAsClaim(name));
}
