import { lookup, Resolver } from 'node:dns/promises';

/** Addresses of a name, or why there are none: 'ENOTFOUND' if the name is not known, else the code of an error. */
export type AddressAnswer = readonly string[] | string;

/** Addresses of a name as the programs of this machine get them. */
export async function addressesOf(domain: string): Promise<AddressAnswer> {
  const found = await codeOr(lookup(domain, { all: true }));
  return typeof found === 'string' ? found : found.map(({ address }) => address).slice(0, 4);
}

/** Questions to name servers: an effect, as an interface. Nothing rejects. */
export interface NameQueries {
  /** The next name of an alias (CNAME); null: it is none, or that could not be found out. */
  alias(name: string): Promise<string | null>;
  /** Names of the name servers of a zone that begins at this name; null: none begins there, or that could not be found out. */
  zoneServers(name: string): Promise<readonly string[] | null>;
  addresses(server: string): Promise<readonly string[]>;
  /** `server`: the address of the one to ask; null: those that are asked for everything else. */
  txt(name: string, server: string | null): Promise<TxtAnswer>;
}

/** The values, or why there are none: 'ENOTFOUND', 'ENODATA', or the code of an error. */
export type TxtAnswer = readonly string[] | string;

/** Longer than this answers are of no use: the question is repeated anyway. */
const queryMs = 2000;
const queryTries = 2;

export class DnsQueries implements NameQueries {
  readonly #servers: readonly string[];

  /** `servers`: recursive ones, in place of those of the system; empty: those of the system. */
  constructor(servers: readonly string[]) {
    this.#servers = servers;
  }

  async alias(name: string): Promise<string | null> {
    const answer = await codeOr(this.#resolver().resolveCname(name));
    return typeof answer === 'string' ? null : (answer[0] ?? null);
  }

  async zoneServers(name: string): Promise<readonly string[] | null> {
    const answer = await codeOr(this.#resolver().resolveNs(name));
    return typeof answer === 'string' || answer.length === 0 ? null : answer;
  }

  async addresses(server: string): Promise<readonly string[]> {
    const resolver = this.#resolver();
    const [v4, v6] = await Promise.all([codeOr(resolver.resolve4(server)), codeOr(resolver.resolve6(server))]);
    return [v4, v6].flatMap((answer) => (typeof answer === 'string' ? [] : answer));
  }

  async txt(name: string, server: string | null): Promise<TxtAnswer> {
    const answer = await codeOr(this.#resolver(server === null ? this.#servers : [server]).resolveTxt(name));
    // A value longer than 255 bytes is sent in parts.
    return typeof answer === 'string' ? answer : answer.map((parts) => parts.join(''));
  }

  #resolver(servers = this.#servers): Resolver {
    const resolver = new Resolver({ timeout: queryMs, tries: queryTries });
    if (servers.length > 0) resolver.setServers(servers);
    return resolver;
  }
}

async function codeOr<T>(answer: Promise<T>): Promise<T | string> {
  try {
    return await answer;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? 'EUNKNOWN';
  }
}
