import type { Gateway } from '../finding.ts';

/** The gateways that are nginx within, and write its lines. */
export type NginxProduct = Extract<Gateway, 'nginx' | 'openresty' | 'ingress-nginx' | 'kong' | 'apisix'>;

/** A line is judged by its beginning: nginx itself cuts an error line at 2048 octets, and no access line needs more. */
export const judgedCharactersMax = 65_536;

/** "GET /path" of a request line, without its protocol, and short enough to be shown. */
export function shortRequest(requestLine: string): string | null {
  const withoutProtocol = requestLine.replace(/ HTTP\/\d(?:\.\d)?$/, '').slice(0, 200);
  return withoutProtocol === '' || withoutProtocol === '-' ? null : withoutProtocol;
}
