/** Methods that are met all the time: their strings exist already (RFC 9110 §9.1: case-sensitive). */
const commonMethods = ['GET', 'POST', 'HEAD', 'PUT', 'OPTIONS', 'DELETE', 'PATCH'] as const;

/** The method in octets [start, end), which are of a token. */
export function readMethod(octets: Buffer, start: number, end: number): string {
  for (const method of commonMethods) {
    if (method.length === end - start && isSame(octets, start, method)) return method;
  }
  return octets.toString('latin1', start, end);
}

function isSame(octets: Uint8Array, start: number, text: string): boolean {
  for (let index = 0; index < text.length; index++) if (octets[start + index] !== text.charCodeAt(index)) return false;
  return true;
}
