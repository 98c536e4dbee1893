import { isIP } from 'node:net';
import type { UpstreamSpec } from '../core/configuration.ts';
import { addressText, type EndpointAddress, type EndpointId, hostPort } from '../core/endpoint.ts';
import type { NameQuestion } from '../core/name-resolver.ts';
import { familiesOf } from '../policy/dns-cache.ts';

export type TcpAddress = Extract<EndpointAddress, { kind: 'tcp' }>;

/** One address of the configuration, with all that can be said of it before anything is known of the endpoint. */
export type ConfiguredAddress = LiteralAddress | NamedAddress;

export interface LiteralAddress {
  readonly id: EndpointId;
  readonly address: EndpointAddress;
  readonly question: null;
  readonly watchKey: string;
}

export interface NamedAddress {
  /** As long as it leads nowhere. */
  readonly id: EndpointId;
  readonly address: TcpAddress;
  readonly question: NameQuestion;
  /** Two families of one name are two sets of endpoints: a reload that changes the choice begins with the other set. */
  readonly addressSetKey: string;
}

/** The addresses of an upstream, each once, in their order. */
export class ConfiguredAddresses {
  readonly all: readonly ConfiguredAddress[];
  readonly named: readonly NamedAddress[];
  readonly #upstream: string;
  /** What is checked in another way is another thing to watch. */
  readonly #check: string;

  constructor(spec: UpstreamSpec, servers: readonly string[], limitMs: number) {
    const { id, check, tls, family, endpoints } = spec;
    this.#upstream = id;
    this.#check = JSON.stringify([check, tls]);
    const families = familiesOf(family);
    const byText = new Map(endpoints.map(({ address }) => [addressText(address), address]));
    this.all = [...byText].map(([text, address]) => {
      const configured = { id: this.idOf(text), address };
      if (!isName(address)) return { ...configured, address, question: null, watchKey: this.watchKey(text) };
      const question = { name: address.host, families, servers, limitMs };
      return { ...configured, address, question, addressSetKey: `${id}/${text}/${family}` };
    });
    this.named = this.all.filter((configured): configured is NamedAddress => configured.question !== null);
  }

  idOf(text: string): EndpointId {
    return `${this.#upstream}/${text}` as EndpointId;
  }

  watchKey(text: string): string {
    return `${this.#upstream}/${text}/${this.#check}`;
  }
}

/** `app.internal/10.0.0.1:3000` */
export function resolvedAddressText({ host, port }: TcpAddress, ip: string): string {
  return `${host}/${hostPort(ip, port)}`;
}

function isName(address: EndpointAddress): address is TcpAddress {
  return address.kind === 'tcp' && isIP(address.host) === 0;
}
