import { type FSWatcher, watch } from 'node:fs';
import type { AcmeTls, OnDemandTls } from '../core/listener-spec.ts';
import type { CertificateSupply, CertificateSupplyPorts, ListeningPorts, ShownChallenge } from '../core/managed-tls.ts';
import { succeed } from '#failures/result.ts';
import { isOnDemandName } from '../core/on-demand.ts';
import { AskPermission, countsOf, OnDemandNames, onDemandState } from './on-demand-names.ts';
import { readCertificate } from './certificate-facts.ts';
import { CertificateStore } from './certificate-store.ts';
import { type ChallengePorts, OwnChallengeCheck } from './challenge-check.ts';
import type { ChallengeResponder, PreparedChallenge } from './challenges.ts';
import { DnsPropagation } from './dns-propagation.ts';
import { DnsHook } from './dns-hook.ts';
import { HttpsTransport } from './https-transport.ts';
import { DnsQueries } from './name-queries.ts';
import { Issuer } from './issuer.ts';
import type { WantedCertificate } from './managed-certificate.ts';

/** What a process shows to CAs. */
interface ChallengeDisplay {
  /** Resolves when all workers show it. Never rejects. */
  show(challenge: ShownChallenge): Promise<void>;
  hide(challenge: ShownChallenge): Promise<void>;
}

/** Files that other processes wait for: certificates, challenges, and who owns the folder. */
const awaitedFile = /^(?:certificate-[\da-f]+\.json|challenge-[\da-f]+\.json|lock\.\d+)$/;

/**
 * Challenges of the process that orders, shown by all processes that share its folder: while a gateway is upgraded, or where several
 * gateways have one state folder, the CA's request may reach any of them.
 */
export class SharedChallenges {
  readonly #store: CertificateStore;
  readonly #display: ChallengeDisplay;
  readonly #onChange: () => void;
  /** Of this process. */
  readonly #own = new Set<ShownChallenge>();
  /** Of other processes, by what identifies them. */
  readonly #others = new Map<string, ShownChallenge>();
  #watcher: FSWatcher | null = null;
  #isClosed = false;

  /** `onChange`: another process may have written a certificate, or has released the folder. */
  constructor(store: CertificateStore, display: ChallengeDisplay, onChange: () => void) {
    this.#store = store;
    this.#display = display;
    this.#onChange = onChange;
  }

  /** Shows what is there, and what other processes will write. The folder must exist; otherwise nothing is followed until the next call. */
  follow(): void {
    if (this.#isClosed) return;
    this.#look();
    if (this.#watcher !== null) return;
    try {
      this.#watcher = watch(this.#store.path, { persistent: false }, (_event, file) => this.#changed(file));
      this.#watcher.on('error', () => this.#unwatch());
    } catch {
      // Without a folder, or beyond the system's limit of watches. Certificates are looked for every minute all the same.
    }
  }

  async present(challenge: ShownChallenge): Promise<void> {
    // Those of an owner that has ended without taking them away.
    for (const other of this.#store.readChallenges())
      if (![...this.#own].some((own) => idOf(own) === idOf(other))) this.#store.removeChallenge(other);
    this.#own.add(challenge);
    // Where it cannot be written, this process shows it all the same.
    this.#store.writeChallenge(challenge);
    await this.#display.show(challenge);
  }

  async cleanUp(challenge: ShownChallenge): Promise<void> {
    this.#own.delete(challenge);
    this.#store.removeChallenge(challenge);
    await this.#display.hide(challenge);
  }

  close(): void {
    this.#isClosed = true;
    this.#unwatch();
    for (const challenge of this.#others.values()) void this.#display.hide(challenge);
    this.#others.clear();
  }

  #changed(file: string | null): void {
    if (this.#isClosed || (file !== null && !awaitedFile.test(file))) return;
    this.#look();
    this.#onChange();
  }

  #look(): void {
    const own = new Set([...this.#own].map(idOf));
    const there = new Map(this.#store.readChallenges().map((challenge) => [idOf(challenge), challenge]));
    for (const [id, challenge] of there) {
      if (own.has(id) || this.#others.has(id)) continue;
      this.#others.set(id, challenge);
      void this.#display.show(challenge);
    }
    for (const [id, challenge] of this.#others) {
      if (there.has(id)) continue;
      this.#others.delete(id);
      void this.#display.hide(challenge);
    }
  }

  #unwatch(): void {
    this.#watcher?.close();
    this.#watcher = null;
  }
}

function idOf(challenge: ShownChallenge): string {
  const { kind, domain } = challenge;
  return [kind, domain, kind === 'http-01' ? challenge.token : challenge.certificate].join(' ');
}

/** How often in a row one CA may fail before the next one is asked: some hours. */
const failuresMax = 5;

/** Some commands wait by themselves until all servers of their provider have the record. */
const hookMsMax = 5 * 60_000;

/** Certificates from CAs that speak ACME. */
export function createAcmeSupply(
  {
    contacts,
    directories,
    roots,
    challenges,
    dnsHook,
    propagationMs,
    externalAccount,
    onDemand,
  }: Omit<AcmeTls, 'hosts'>,
  ports: CertificateSupplyPorts,
  listening: ListeningPorts,
): CertificateSupply {
  const { clock, random, events, folder, nameServers } = ports;
  const transport = new HttpsTransport(roots === null ? [] : [roots]);
  const check = new OwnChallengeCheck(transport, clock, challengePorts(directories[0] ?? '', listening));
  const hook =
    dnsHook === null
      ? null
      : new DnsHook(
          { command: dnsHook, timeoutMs: hookMsMax, propagationMs },
          clock,
          new DnsPropagation(new DnsQueries(nameServers), clock),
        );
  const store = new CertificateStore(folder);
  const shared = new SharedChallenges(store, ports, () => issuer.look());
  const responder: ChallengeResponder = {
    kinds: challenges,
    async present(challenge) {
      if (challenge.kind === 'dns-01') return await (hook as DnsHook).present(challenge);
      await shared.present(challenge);
      return succeed(null);
    },
    async cleanUp(challenge) {
      await (isShown(challenge) ? shared.cleanUp(challenge) : (hook as DnsHook).cleanUp(challenge));
    },
  };
  const issuer: Issuer = new Issuer(
    { clock, random, events, transport, check, store },
    {
      authorities: directories.map((directoryUrl, at) => ({
        ...{ directoryUrl, contacts },
        // A CA gives it for itself: the others would refuse it.
        externalAccount: at === 0 ? externalAccount : null,
      })),
      failuresMax,
    },
    (certificates) => ports.publish(certificates),
  );
  // A host each: one that fails does not take another one's certificate away.
  const wantedFor = (host: string): WantedCertificate => ({ names: [host], responder });
  let kept = onDemand === null ? [] : keptNames(store, onDemand, clock.wallTime());
  return {
    setHosts(hosts) {
      const others = kept.filter((name) => !hosts.includes(name));
      kept = [];
      issuer.setWanted([...hosts.map(wantedFor), ...others.map((name) => ({ ...wantedFor(name), isOnDemand: true }))]);
      shared.follow();
    },
    states: () => issuer.states(),
    onDemand:
      onDemand === null
        ? null
        : new OnDemandNames(
            onDemand,
            clock,
            {
              state: (name) => onDemandState(issuer.stateOf(name), clock.wallTime()),
              counts: () => countsOf(issuer.onDemand),
              want: (name) => issuer.wantOnDemand(wantedFor(name)),
            },
            onDemand.ask === null ? null : new AskPermission(onDemand.ask, transport, clock),
          ),
    async close() {
      await issuer.close();
      shared.close();
    },
  };
}

/** Names whose certificates an earlier process obtained on demand; the configuration may have changed since. */
function keptNames(store: CertificateStore, onDemand: OnDemandTls, wallTime: number): readonly string[] {
  return store.readAll().flatMap(({ names, chain, key }) => {
    const [name = '', ...more] = names;
    const isKept = more.length === 0 && isOnDemandName(onDemand, name);
    return isKept && (readCertificate(chain, key)?.notAfter ?? 0) > wallTime ? [name] : [];
  });
}

function isShown(challenge: PreparedChallenge): challenge is ShownChallenge {
  return challenge.kind !== 'dns-01';
}

/** A CA on this machine is there for tests, and looks where the gateway listens; all others look at the standard ports. */
function challengePorts(directoryUrl: string, { plain, tls }: ListeningPorts): ChallengePorts {
  const host = URL.parse(directoryUrl)?.hostname ?? '';
  const isLocal = /^(?:localhost|127\..*|\[::1\])$/.test(host);
  const portOf = (standard: number, own: number | null) => ({ asked: isLocal ? (own ?? standard) : standard, own });
  return { http: portOf(80, plain), tls: portOf(443, tls) };
}
