import { authorityText, isAuthority, sameAuthority } from './host.ts';

/**
 * The URLs in headers of WebDAV, which a gateway has to translate as it does the URL of the request itself: Destination of COPY and
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
  /** The application is sent paths under one of its own alone. Otherwise it may be told of any other server, and refuse it itself. */
  readonly confined: boolean;
}

/**
 * Null: the request must not be sent. Many applications take the path alone of whatever they are sent, be it of another origin or no URL
 * at all, and a confined one would so be led out of its path.
 */
export function destinationSent(value: string, urls: OwnUrls): string | null {
  const isPath = pathAndQuery.test(value);
  const path = isPath ? value : ownPath(value, urls);
  const sent = path === null ? null : urls.pathSent(path);
  if (sent === null) return urls.confined ? null : value;
  return isPath ? sent : urls.sent + sent;
}

/**
 * RFC 4918 §10.4.2: a resource, or a list of conditions, which has no URL of this origin: state tokens are URLs of their own. An entity tag
 * with "<" is not read, since others could take what follows for a resource.
 */
const resourceOrList =
  /[ \t]*(?:<([^<>]*)>|\((?:[ \t]*(?:Not[ \t]*)?(?:<[^<>]*>|\[(?:W\/)?"[^"<>]*"\]))+[ \t]*\))[ \t]*/iy;

/** The resources alone are changed. Null: the request must not be sent, since without a condition more would be done. */
export function conditionSent(value: string, urls: OwnUrls): string | null {
  let sent = '';
  resourceOrList.lastIndex = 0;
  while (resourceOrList.lastIndex < value.length) {
    const found = resourceOrList.exec(value);
    if (found === null) return urls.confined ? null : value;
    const [text, resource] = found;
    const resourceSent = resource === undefined ? '' : destinationSent(resource, urls);
    if (resourceSent === null) return null;
    sent += resource === undefined ? text : text.replace(`<${resource}>`, () => `<${resourceSent}>`);
  }
  return sent;
}

/** The bytes of a request target (`pathBytes`, `queryBytes`). Two slashes would begin an authority. */
const pathAndQuery = /^\/(?!\/)[!"$->@-[\]-~\x80-\xff]*(?:\?[!"$-~\x80-\xff]*)?$/;
const absoluteUrl = /^(https?):\/\/([^/?#]*)((?:\/[!"$->@-[\]-~\x80-\xff]*)?(?:\?[!"$-~\x80-\xff]*)?)$/i;

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
