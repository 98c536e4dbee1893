import { authorityText, isAuthority, sameAuthority } from './host.ts';

/**
 * The URLs in fields of WebDAV, which a gateway has to translate as it does the URL of the request itself: Destination of COPY and
 * MOVE (RFC 4918 §10.3) and the resources of If (§10.4). An application compares them with its own scheme, host and paths, and refuses
 * what is not on its server (502).
 */
export interface OwnUrls {
  /** The origin that the request was sent to: its scheme, and the authorities that it has for the client. */
  readonly scheme: 'http' | 'https';
  readonly authorities: readonly string[];
  /** The origin as the application is told, such as `http://app.internal:3000`. */
  readonly sent: string;
  /** A path of that origin, with its query, as the application is sent it; null where it is not sent this way. */
  pathSent(path: string): string | null;
}

/** Null: the URL is one of this origin that the application does not serve by this route, so that it would take it for another. */
export function destinationSent(value: string, urls: OwnUrls): string | null {
  if (isPath(value)) return urls.pathSent(value);
  const path = ownPath(value, urls);
  if (path === null) return value;
  const sent = urls.pathSent(path);
  return sent === null ? null : urls.sent + sent;
}

/** Of a resource, or of a list of conditions, which has no URL of this origin: state tokens are URLs of their own. */
const resourceOrList = /[ \t]*(?:<([^<>]*)>|\((?:[^()"]|"[^"]*")*\))/y;

/** The resources alone are changed. What cannot be read, or is not served by this route, is sent as it came: without a condition more would be done. */
export function conditionSent(value: string, urls: OwnUrls): string {
  let sent = '';
  resourceOrList.lastIndex = 0;
  while (resourceOrList.lastIndex < value.length) {
    const found = resourceOrList.exec(value);
    if (found === null) return value;
    const [text, resource] = found;
    sent +=
      resource === undefined
        ? text
        : text.replace(`<${resource}>`, () => `<${destinationSent(resource, urls) ?? resource}>`);
  }
  return sent;
}

/** Two slashes begin an authority. */
function isPath(value: string): boolean {
  return value.startsWith('/') && !value.startsWith('//');
}

const absoluteUrl = /^(https?):\/\/([^/?#]*)([^ ]*)$/i;

/** Path and query of an absolute URL of this origin; null: it is none. */
function ownPath(value: string, { scheme, authorities }: OwnUrls): string | null {
  const [, ofScheme = '', authority = '', rest = ''] = absoluteUrl.exec(value) ?? [];
  if (ofScheme.toLowerCase() !== scheme) return null;
  const bytes = Buffer.from(authority, 'latin1');
  if (!isAuthority(bytes, 0, bytes.length)) return null;
  const named = authorityText(bytes, 0, bytes.length);
  if (!authorities.some((one) => sameAuthority(one, named, scheme))) return null;
  return rest.startsWith('/') ? rest : `/${rest}`;
}
