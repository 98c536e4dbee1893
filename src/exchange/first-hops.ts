import type { ClientFacts } from '../core/exchange.ts';
import type { HeaderSink, HttpVersion } from '../core/message.ts';
import { portOf } from '../wire/forwarded.ts';
import { viaValue } from '../wire/hops.ts';
import type { RouteHop } from './ports.ts';

interface Written {
  readonly version: HttpVersion;
  readonly scheme: ClientFacts['scheme'];
  readonly authority: string;
  readonly hopName: string;
  /** The lines of the client, and behind them that of the route which it has asked for first. */
  readonly bytes: Uint8Array;
  readonly clientEnd: number;
  readonly member: string;
  readonly key: string;
}

/** Clients whose lines are cached, about 400 KiB. For further clients the lines are made for each request. */
const clientsMax = 1024;

/** No host name is longer (RFC 1035 §2.3.4); longer ones are not cached. */
const authorityMax = 261;

/**
 * Via and X-Forwarded-For, -Proto, -Host and -Port of requests that name no earlier hop and come from untrusted clients: the
 * same lines for all requests of a client to a host, so that they are cached as bytes. CDN-Loop is the same for all of a route: it is
 * cached behind them, since one call is cheaper than two, and written by itself for other routes.
 *
 * Measured: 0.1 µs instead of 1.3.
 */
export class FirstHops {
  readonly #written = new Map<string, Written>();

  /** `hopName` is ours; `version` and `authority` are the request's, `hop` is its route's. */
  write(
    sink: HeaderSink,
    client: ClientFacts,
    version: HttpVersion,
    authority: string,
    hopName: string,
    hop: RouteHop,
  ): void {
    const known = this.#written.get(client.address);
    const lines =
      known !== undefined &&
      known.authority === authority &&
      known.scheme === client.scheme &&
      known.version === version &&
      known.hopName === hopName &&
      known.key === hop.key
        ? known
        : this.#keep(client, version, authority, hopName, hop);
    if (lines.member === hop.member) return sink.headerLines(lines.bytes, 0, lines.bytes.length);
    sink.headerLines(lines.bytes, 0, lines.clientEnd);
    sink.headerLines(hop.line, 0, hop.line.length);
  }

  #keep(client: ClientFacts, version: HttpVersion, authority: string, hopName: string, hop: RouteHop): Written {
    const port = portOf(authority, client.scheme);
    const host = authority === '' ? '' : `X-Forwarded-Host: ${authority}\r\nX-Forwarded-Port: ${port}\r\n`;
    const ofClient = Buffer.from(
      `Via: ${viaValue(null, version, hopName)}\r\n` +
        `X-Forwarded-For: ${client.address}\r\nX-Forwarded-Proto: ${client.scheme}\r\n${host}`,
      'latin1',
    );
    const bytes = Buffer.concat([ofClient, hop.line]);
    const { member, key } = hop;
    const { scheme } = client;
    const written = { version, scheme, authority, hopName, bytes, clientEnd: ofClient.length, member, key };
    if (authority.length > authorityMax) return written;
    if (this.#written.size >= clientsMax) this.#written.clear();
    this.#written.set(client.address, written);
    return written;
  }
}
