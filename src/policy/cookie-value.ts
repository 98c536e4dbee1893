/** What cookies are read from. */
export interface CookieLines {
  /** Each line of a request header, in order. `name` is lowercase. */
  eachHeader(name: string, visit: (value: string) => void): void;
}

/**
 * The value of the first cookie with this name (RFC 6265 §4.2.1); null if there is none. A request may have several Cookie lines:
 * HTTP/2 clients may send one for each cookie (RFC 9113 §8.2.3).
 */
export function cookieValue(lines: CookieLines, name: string): string | null {
  let found: string | null = null;
  lines.eachHeader('cookie', (line) => {
    if (found !== null) return;
    for (const pair of line.split(';')) {
      const equals = pair.indexOf('=');
      if (equals < 0 || pair.slice(0, equals).trim() !== name) continue;
      found = pair.slice(equals + 1).trim();
      return;
    }
  });
  return found;
}

/** All cookies but those whose names are `isRemoved`, as one line, '' if none is left; null: none is removed. */
export function cookiesWithout(lines: CookieLines, isRemoved: (name: string) => boolean): string | null {
  const kept: string[] = [];
  let hasRemoved = false;
  lines.eachHeader('cookie', (line) => {
    for (const pair of line.split(';')) {
      if (isRemoved((pair.split('=', 1)[0] as string).trim())) hasRemoved = true;
      else if (pair.trim() !== '') kept.push(pair.trim());
    }
  });
  return hasRemoved ? kept.join('; ') : null;
}
