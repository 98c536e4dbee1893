import type { AcmeTls, OnDemandTls } from '../core/listener-spec.ts';
import type { CertificateSupply, CertificateSupplyPorts, ListeningPorts, ShownChallenge } from '../core/managed-tls.ts';
import { succeed } from '#failures/result.ts';
import { isOnDemandName } from '../core/on-demand.ts';
import { AskPermission } from './ask-permission.ts';
import { readCertificate } from './certificate-facts.ts';
import { CertificateStore } from './certificate-store.ts';
import { type ChallengePorts, OwnChallengeCheck } from './challenge-check.ts';
import type { ChallengeResponder, PreparedChallenge } from './challenges.ts';
import { DnsPropagation } from './dns-propagation.ts';
import { DnsHook } from './dns-hook.ts';
import { HttpsTransport } from './https-transport.ts';
import { DnsQueries } from './name-queries.ts';
import { Issuer } from './issuer.ts';
import { SharedChallenges } from './shared-challenges.ts';
import { countsOf, OnDemandNames, onDemandState } from './on-demand-names.ts';
import type { WantedCertificate } from './managed-certificate.ts';

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
