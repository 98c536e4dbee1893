const canonicalUuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const hexadecimal = /^(?:[0-9a-f]{2})+$/;

/** 16 bytes of a UUID in its usual spelling, else the text itself. */
export function packedUuid(id: string): Uint8Array | string {
  return canonicalUuid.test(id) ? Buffer.from(id.replaceAll('-', ''), 'hex') : id;
}

export function unpackedUuid(id: Uint8Array | string): string {
  if (typeof id === 'string') return id;
  const hex = Buffer.from(id).toString('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}

/** From the first of the ids that begin with `beginning` to behind the last; null if it is no beginning of a UUID. */
export function uuidsFrom(beginning: string): readonly [Uint8Array, Uint8Array] | null {
  const hex = beginning.toLowerCase().replaceAll('-', '');
  if (hex.length < 8 || hex.length > 32 || !/^[0-9a-f]+$/.test(hex)) return null;
  return [Buffer.from(hex.padEnd(32, '0'), 'hex'), Buffer.from(hex.padEnd(32, 'f'), 'hex')];
}

export function packedHex(text: string): Uint8Array | string {
  return hexadecimal.test(text) ? Buffer.from(text, 'hex') : text;
}

export function unpackedHex(value: Uint8Array | string): string {
  return typeof value === 'string' ? value : Buffer.from(value).toString('hex');
}
