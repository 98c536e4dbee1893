import type { Finding, GatewayProduct } from './finding.ts';

/** One log format of one gateway. Each folder of a gateway exports an array of them. */
export interface Dialect {
  readonly gateway: GatewayProduct;
  /** For people, and in `Finding.format`: "nginx error log". */
  readonly format: string;
  /**
   * How sure the dialect is that the line is of its format: 0 it is not, 1 it could be (other gateways have the format
   * too), 2 it certainly is. Cheap, and never throws. Decides by the form of the line, not by whether it tells of a
   * failure.
   */
  recognise(line: string): 0 | 1 | 2;
  /** A reader for one file; it may remember earlier lines. */
  open(): DialectReader;
}

export interface DialectReader {
  /** The verdict on the line; null if it is not of this format after all. Never throws, for any text. */
  read(line: string): Finding | null;
}

/** A dialect whose verdicts do not depend on earlier lines. */
export function dialect(
  gateway: GatewayProduct,
  format: string,
  recognise: Dialect['recognise'],
  read: (line: string) => Finding | null,
): Dialect {
  return { gateway, format, recognise, open: () => ({ read }) };
}
