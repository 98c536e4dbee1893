/** Content codings that a client accepts (RFC 9110 §12.5.3). */

/** Elements of one header that are read; browsers send four. */
const elementsMax = 32;

const element = /^[ \t]*([!#$%&'*+.^_`|~0-9A-Za-z-]+)[ \t]*(?:;[ \t]*[Qq]=(0(?:\.\d{0,3})?|1(?:\.0{0,3})?)[ \t]*)?$/;

/**
 * The coding of `offered` that a client prefers; of equal ones the first. Null: none, so that it gets the body as it is, also where it does
 * not accept that (§12.5.3 allows it, and it says more than a 406). A client without the header gets it as it is too: programs that
 * send none mostly cannot decode. An element that cannot be parsed is ignored.
 */
export function preferredCoding<C extends string>(header: string | null, offered: readonly C[]): C | null {
  return acceptedCodings(header, offered)[0] ?? null;
}

/** All of them that the client likes at least as much as the body as it is: the best first, of equal ones in the order of `offered`. */
export function acceptedCodings<C extends string>(header: string | null, offered: readonly C[]): readonly C[] {
  if (header === null || offered.length === 0) return [];
  const weights = weightsIn(header);
  const others = weights.get('*') ?? 0;
  // One that is not named is acceptable, and less welcome than any coding that is.
  const identity = weights.get('identity') ?? 0;
  const weightOf = (coding: C): number => weights.get(coding) ?? others;
  return offered
    .filter((coding) => weightOf(coding) > 0 && weightOf(coding) >= identity)
    .toSorted((one, other) => weightOf(other) - weightOf(one));
}

function weightsIn(header: string): ReadonlyMap<string, number> {
  const weights = new Map<string, number>();
  for (const part of header.split(',', elementsMax)) {
    const [, name, weight] = element.exec(part) ?? [];
    if (name === undefined) continue;
    const coding = codingName(name);
    if (!weights.has(coding)) weights.set(coding, weight === undefined ? 1 : Number(weight));
  }
  return weights;
}

/** In lower case; `x-gzip` is gzip (§8.4.1.3). */
export function codingName(written: string): string {
  const name = written.toLowerCase();
  return name === 'x-gzip' ? 'gzip' : name;
}
