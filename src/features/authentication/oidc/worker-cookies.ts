import type { FilterContext } from '../../../core/filter.ts';

/** Browsers drop a cookie whose name and value are longer than 4096 bytes together. */
const partLength = 3800;
/** Longer heads of requests are refused by many servers. */
export const partsMax = 4;

/** Such cookies are sent over TLS alone, to the host that has set them alone, and no subdomain can set them (RFC 6265bis §4.1.3.2). */
const attributes = '; Path=/; Secure; HttpOnly; SameSite=Lax';

/** The cookies of a request by name. If there are two of a name, the first. */
export function cookiesOf({ request }: Pick<FilterContext, 'request'>): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  request.headers.each((name, value) => {
    if (name !== 'cookie') return;
    for (const pair of value.split(';')) {
      const [written, content] = splitAt(pair.trim(), '=');
      if (content !== undefined && !found.has(written)) found.set(written, content);
    }
  });
  return found;
}

function splitAt(text: string, mark: string): readonly [string, string?] {
  const at = text.indexOf(mark);
  return at < 0 ? [text] : [text.slice(0, at), text.slice(at + 1)];
}

/** The value of a cookie that may stand in several parts, of which the first says how many there are. */
export function valueIn(cookies: ReadonlyMap<string, string>, name: string): string | null {
  const [, count, first] = /^([1-9])\.(.*)$/s.exec(cookies.get(name) ?? '') ?? [];
  if (count === undefined || first === undefined || Number(count) > partsMax) return null;
  let value = first;
  for (let part = 1; part < Number(count); part++) {
    const more = cookies.get(partName(name, part));
    if (more === undefined) return null;
    value += more;
  }
  return value;
}

/** Lines of Set-Cookie; null: the value is too long. */
export function cookieLines(name: string, value: string, maxAgeS: number): readonly string[] | null {
  const parts: string[] = [];
  for (let at = 0; at < value.length; at += partLength) parts.push(value.slice(at, at + partLength));
  if (parts.length > partsMax) return null;
  const age = `; Max-Age=${Math.max(1, Math.floor(maxAgeS))}`;
  return parts.map((part, index) =>
    index === 0
      ? `${name}=${parts.length}.${part}${age}${attributes}`
      : `${partName(name, index)}=${part}${age}${attributes}`,
  );
}

/** Lines that remove those of the request. */
export function removingLines(
  cookies: ReadonlyMap<string, string>,
  isOurs: (name: string) => boolean,
): readonly string[] {
  return [...cookies.keys()].filter(isOurs).map((name) => `${name}=; Max-Age=0${attributes}`);
}

function partName(name: string, part: number): string {
  return `${name}.${part}`;
}
