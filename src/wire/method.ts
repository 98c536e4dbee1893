import { isSame } from './characters.ts';

/** Methods that are met all the time: their strings exist already (RFC 9110 §9.1: case-sensitive). */
const commonMethods = ['GET', 'POST', 'HEAD', 'PUT', 'OPTIONS', 'DELETE', 'PATCH'] as const;

/** The method in bytes [start, end), which are of a token. */
export function readMethod(bytes: Buffer, start: number, end: number): string {
  for (const method of commonMethods) {
    if (isSame(bytes, start, end, method)) return method;
  }
  return bytes.toString('latin1', start, end);
}
