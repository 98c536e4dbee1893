/**
 * A URL as the status, events and logs may show it: scheme, host and port. Some services know their senders by the path of the URL alone, so
 * that the path, the query and user information are secrets.
 */
export function shownUrl(url: string): string {
  const [, scheme, host, rest] = /^([a-z][a-z\d+.-]*):\/\/(?:[^/?#\\]*@)?([^/?#\\@\s]+)(.*)$/is.exec(url) ?? [];
  if (scheme === undefined) return '***';
  return `${scheme}://${host}${rest === '' || rest === '/' ? '' : '/***'}`;
}
