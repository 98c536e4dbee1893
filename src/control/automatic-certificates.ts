import { join } from 'node:path';
import type { Configuration } from '../core/configuration.ts';
import type { AcmeTls, AutomaticTls, ListenerSpec, LocalTls } from '../core/listener-spec.ts';
import type { EventSink } from '../core/event.ts';
import {
  certificatesFolder,
  type CertificateSupply,
  type CertificateSupplyPorts,
  type ListeningPorts,
  type ManagedState,
  type ManagedTls,
  nextAttemptText,
  noManagedTls,
  type ShownChallenge,
} from '../core/managed-tls.ts';
import type { AskedName } from '../core/on-demand.ts';
import type { Random } from '../core/random.ts';
import { after, type Clock } from '../core/time.ts';

interface AutomaticCertificatesParts {
  readonly clock: Clock;
  readonly random: Random;
  readonly events: EventSink;
  /** Resolves when all workers have applied it. Null: the certificates have not changed. */
  send(certificates: ManagedTls['certificates'] | null, challenges: ManagedTls['challenges']): Promise<void>;
}

const endMsMax = 1000;

type How = Omit<AcmeTls, 'hosts'> | Omit<LocalTls, 'hosts'>;

interface RunningSupply {
  /** Another text needs another supply. */
  readonly settings: string;
  readonly supply: CertificateSupply;
}

/**
 * Certificates that the gateway obtains by itself, for the listeners that ask for them. The code that obtains them is loaded with
 * the first such listener.
 */
export class AutomaticCertificates {
  readonly #parts: AutomaticCertificatesParts;
  #current: ManagedTls = noManagedTls;
  #running: RunningSupply | null = null;
  /** Resolves when the workers have the certificates that were published last. */
  #sent: Promise<void> = Promise.resolve();
  readonly #serving = Promise.withResolvers<void>();

  constructor(parts: AutomaticCertificatesParts) {
    this.#parts = parts;
  }

  /** What a worker needs that starts now. */
  get current(): ManagedTls {
    return this.#current;
  }

  /** Supplies the listeners of a configuration. Resolves when clients are shown what is on the disk; orders go on after that. */
  async use({ listeners, stateFolder, dns }: Pick<Configuration, 'listeners' | 'stateFolder' | 'dns'>): Promise<void> {
    const wanted = automaticOf(listeners);
    if (wanted === null || stateFolder === null) return void this.#end();
    const { hosts, ...how } = wanted;
    const listening = portsOf(listeners);
    const folder = join(stateFolder, certificatesFolder);
    const settings = JSON.stringify([how, listening, folder, dns.servers]);
    if (this.#running?.settings !== settings) {
      // An order in progress ends first, as one supply at a time owns the folder. A reload does not wait for a slow CA: the next supply
      // tries again later.
      await Promise.race([this.#end(), this.#soon()]);
      this.#running = { settings, supply: await this.#create(how, this.#portsOf(folder, dns.servers), listening) };
    }
    this.#running.supply.setHosts(hosts);
    await this.#sent;
  }

  /** Workers serve: challenges can be shown. */
  serves(): void {
    this.#serving.resolve();
  }

  states(): readonly ManagedState[] {
    return this.#running?.supply.states() ?? [];
  }

  /** Names that clients have asked for, where certificates are obtained on demand. */
  noteAsked(names: readonly AskedName[]): void {
    const onDemand = this.#running?.supply.onDemand ?? null;
    if (onDemand !== null) for (const name of names) onDemand.note(name);
  }

  /** Why a host has no certificate yet, a clause. */
  stateOf(host: string): string {
    const state = this.states().find(({ names }) => names.some((name) => name === host || covers(name, host)));
    if (state === undefined) return this.#running?.supply.onDemand?.reasonFor(host) ?? 'it is not being obtained';
    if (state.failure === null) return 'it is being obtained';
    const { reason, fix, retryAt } = state.failure;
    return `${reason}; ${fix}; ${nextAttemptText(retryAt, this.#parts.clock.wallTime())}`;
  }

  /** Obtains nothing more. Resolves when what is in progress has ended. */
  close(): Promise<void> {
    this.#serving.resolve();
    return this.#end();
  }

  async #end(): Promise<void> {
    const running = this.#running;
    this.#running = null;
    await running?.supply.close();
  }

  async #create(how: How, ports: CertificateSupplyPorts, listening: ListeningPorts): Promise<CertificateSupply> {
    if (how.kind === 'internal') {
      const { LocalSupply } = await import('../certificates/local-supply.ts');
      return new LocalSupply(ports);
    }
    const { createAcmeSupply } = await import('../certificates/acme-supply.ts');
    return createAcmeSupply(how, ports, listening);
  }

  #soon(): Promise<void> {
    const { clock } = this.#parts;
    return new Promise((resolve) => void clock.schedule(after(clock.now(), endMsMax), resolve, undefined));
  }

  #portsOf(folder: string, nameServers: readonly string[]): CertificateSupplyPorts {
    const { clock, random, events } = this.#parts;
    return {
      ...{ clock, random, events, folder, nameServers },
      publish: (certificates) => {
        this.#current = {
          ...this.#current,
          certificates: certificates.map(({ names, certificate, key, notAfter }) => ({
            ...{ names, certificate, key, notAfter },
          })),
        };
        this.#sent = this.#parts.send(this.#current.certificates, this.#current.challenges);
        return this.#sent;
      },
      show: (challenge) => this.#showAll([...this.#current.challenges, challenge]),
      hide: (challenge) => this.#showAll(this.#current.challenges.filter((one) => one !== challenge)),
    };
  }

  async #showAll(challenges: readonly ShownChallenge[]): Promise<void> {
    this.#current = { ...this.#current, challenges };
    await this.#serving.promise;
    await this.#parts.send(null, this.#current.challenges);
  }
}

/** All hosts of all listeners: how they are obtained is the same at each of them. Null: none is obtained. */
function automaticOf(listeners: readonly ListenerSpec[]): AutomaticTls | null {
  const all = listeners.flatMap(({ tls }) => tls?.automatic ?? []);
  const [first] = all;
  if (first === undefined) return null;
  return { ...first, hosts: [...new Set(all.flatMap(({ hosts }) => hosts))] };
}

/** Where CAs' requests can arrive: the standard ports if the gateway has them, otherwise the first ones. */
function portsOf(listeners: readonly ListenerSpec[]): ListeningPorts {
  const choose = (some: readonly ListenerSpec[], standard: number): number | null =>
    (some.find(({ port }) => port === standard) ?? some[0])?.port ?? null;
  return {
    plain: choose(
      listeners.filter(({ tls }) => tls === null),
      80,
    ),
    tls: choose(
      listeners.filter(({ tls }) => tls?.automatic != null),
      443,
    ),
  };
}

function covers(name: string, host: string): boolean {
  return name.startsWith('*.') && host.slice(host.indexOf('.')) === name.slice(1);
}
