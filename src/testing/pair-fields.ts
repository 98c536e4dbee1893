import { eachFieldLine } from '../core/field-lines.ts';
import { beginsAsClaim, type FieldFilter, fieldId, knownFieldNames } from '../core/field-names.ts';
import type { Fields, FieldSink } from '../core/message.ts';

/** Field lines as HTTP/2 has them: names in lowercase, values, in order. */
export type FieldPairs = readonly (readonly [name: string, value: string])[];

/** A field section that is backed by pairs, not by bytes. */
export class PairFields implements Fields {
  readonly pairs: FieldPairs;

  constructor(pairs: FieldPairs) {
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
    return this.has(knownFieldNames[id] as string);
  }

  each(visit: (name: string, value: string) => void): void {
    for (const [name, value] of this.pairs) visit(name, value);
  }

  writeTo(sink: FieldSink, drop: FieldFilter): void {
    for (const [name, value] of this.pairs) if (!isDropped(name, drop)) sink.field(name, value);
  }
}

function isDropped(name: string, drop: FieldFilter): boolean {
  const id = fieldId(name);
  return id === 0 ? drop.others?.has(name) === true || (drop.claims && beginsAsClaim(name)) : drop.known[id] === 1;
}

/** The pairs that a writer of fields writes. */
export function pairsWritten(write: (sink: FieldSink) => void): PairFields {
  const pairs: [string, string][] = [];
  write({
    field: (name, value) => void pairs.push([name, value]),
    fieldLines: (bytes, start, end) =>
      eachFieldLine(bytes, start, end, (name, value) => void pairs.push([name, value])),
  });
  return new PairFields(pairs);
}
