/** The name and password of a request with `Authorization: Basic` (RFC 7617 §2); null: it has none; 'malformed': they cannot be read. */
export interface Credentials {
  readonly name: string;
  readonly password: string;
}

/** Hashing a longer one would cost more than the limit of a head lets pass anyway. */
const lengthMax = 2048;
// oxlint-disable-next-line no-control-regex -- RFC 7617 §2: neither part has them
const control = /[\0-\x1f\x7f]/;
const utf8 = new TextDecoder('utf-8', { fatal: true });

export function credentialsIn(authorization: string | null): Credentials | 'malformed' | null {
  if (authorization === null) return null;
  const found = /^basic(?: +(.*))?$/i.exec(authorization);
  if (found === null) return null;
  const [, sent = ''] = found;
  if (sent === '' || sent.length > lengthMax || !/^[A-Za-z0-9+/]+={0,2}$/.test(sent)) return 'malformed';
  let text: string;
  try {
    text = utf8.decode(Buffer.from(sent, 'base64'));
  } catch {
    return 'malformed';
  }
  const colon = text.indexOf(':');
  if (colon < 0 || control.test(text)) return 'malformed';
  return { name: text.slice(0, colon), password: text.slice(colon + 1) };
}
