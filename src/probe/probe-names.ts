import { isIP } from 'node:net';
import { dnsCodes } from '#failures/dns-codes.ts';
import { dnsFailure } from '../core/dns-failure.ts';
import { fail, type Failure } from '#failures/failure.ts';
import type { FamilyAnswer, NameAnswer, NameResolver } from '../core/name-resolver.ts';
import { after } from '../core/time.ts';
import { unknownCode } from '../core/unknown-code.ts';
import { probeFailure } from './probe-failure.ts';
import type { ProbeOptions, ProbePorts } from './probe-ports.ts';
import type { DnsReport } from './probe-report.ts';
import { roundedMs } from './timing.ts';

/** Where a URL leads. */
export interface ResolvedHost {
  /** Null where the URL has an address. */
  readonly dns: DnsReport | null;
  /** Literal addresses in the order of the answer; empty if the lookup failed. */
  readonly addresses: readonly string[];
}

/** Of a name with more addresses this many are probed. */
export const addressesMax = 16;

/** Looks up the host of a URL in both families. */
export async function resolveHost(
  host: string,
  resolver: NameResolver,
  { nameServers, limits }: Pick<ProbeOptions, 'nameServers' | 'limits'>,
  ports: Pick<ProbePorts, 'clock' | 'onUnclassified'>,
): Promise<ResolvedHost> {
  if (isIP(host) !== 0) return { dns: null, addresses: [host] };
  const begunAt = ports.clock.now();
  const answer = await lookUp(host, resolver, nameServers, limits.dnsMs, ports);
  const ms = roundedMs(ports.clock.now() - begunAt);
  if (answer === null) {
    const failure = probeFailure(fail('dns_timeout', 'dns', { name: host, limitMs: limits.dnsMs }));
    return { dns: { name: host, source: null, ms, ttlS: null, failure }, addresses: [] };
  }
  const families = [answer.ipv4, answer.ipv6].filter((family) => family !== null);
  const addresses = families.flatMap((family) => (family.found ? family.addresses : [])).slice(0, addressesMax);
  const failure = failureOf(families, addresses.length > 0, host, limits.dnsMs, ports);
  const dns: DnsReport = {
    name: host,
    source: answer.source,
    ms,
    ttlS: leastTtl(families),
    failure: failure === null ? null : probeFailure(failure),
  };
  return { dns, addresses };
}

function lookUp(
  name: string,
  resolver: NameResolver,
  servers: readonly string[],
  limitMs: number,
  { clock }: Pick<ProbePorts, 'clock'>,
): Promise<NameAnswer | null> {
  return new Promise((resolve) => {
    const timer = clock.schedule(
      after(clock.now(), limitMs),
      () => {
        lookup.cancel();
        resolve(null);
      },
      undefined,
    );
    const lookup = resolver.lookUp(
      { name, families: ['ipv4', 'ipv6'], servers, limitMs },
      {
        onLookedUp(answer) {
          timer.cancel();
          resolve(answer);
        },
      },
    );
  });
}

/** A family that is only absent is no failure while the other one has addresses. */
function failureOf(
  families: readonly FamilyAnswer[],
  hasAddress: boolean,
  name: string,
  limitMs: number,
  ports: Pick<ProbePorts, 'onUnclassified'>,
): Failure | null {
  const codes = families.flatMap((family) => (family.found ? [] : [family.fault.code]));
  const grave = codes.find((code) => dnsCodes[code]?.kind !== 'absent');
  const code = grave ?? (hasAddress ? undefined : codes[0]);
  if (code === undefined) return null;
  const failure = dnsFailure(code, name);
  if (failure?.cause === 'dns_timeout') return fail('dns_timeout', 'dns', { name, limitMs });
  if (failure !== null) return failure;
  ports.onUnclassified({ stage: 'dns', code });
  return unknownCode({ stage: 'dns', code });
}

function leastTtl(families: readonly FamilyAnswer[]): number | null {
  const ttls = families.flatMap((family) => (family.found && family.ttlS !== null ? [family.ttlS] : []));
  return ttls.length === 0 ? null : Math.min(...ttls);
}
