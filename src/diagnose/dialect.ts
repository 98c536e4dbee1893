import type { Finding, GatewayProduct } from './finding.ts';

/** One log format of one gateway. Each folder of a gateway exports an array of them. */
export interface Dialect {
  readonly gateway: GatewayProduct;
  /** For people, and in `Finding.format`: "nginx error log". */
  readonly format: string;
  /**
   * How sure it is that this line is of its format: 0 is not, 1 could be (a format that others have too), 2 is certainly.
   * Cheap, never throws, and decides by the form of the line, not by whether it tells of a failure.
   */
  recognise(line: string): 0 | 1 | 2;
  /** A reader for one file: it may remember earlier lines of it. */
  open(): DialectReader;
}

export interface DialectReader {
  /** What the line says; null where it is not of this format after all. Never throws, whatever it is given. */
  read(line: string): Finding | null;
}

/** A dialect without memory. */
export function dialect(
  gateway: GatewayProduct,
  format: string,
  recognise: Dialect['recognise'],
  read: (line: string) => Finding | null,
): Dialect {
  return { gateway, format, recognise, open: () => ({ read }) };
}
