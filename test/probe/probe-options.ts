import { probe } from '../../src/probe/probe.ts';
import type { ProbeLimits, ProbeOptions } from '../../src/probe/probe-ports.ts';
import type { ProbeReport } from '../../src/probe/probe-report.ts';
import { systemClock, systemRandom } from '../../src/system/system.ts';

/** Short timeouts, and twice those that test/faults/expected.md names: a busy machine must not make a failure of a pause. */
export const limits: ProbeLimits = {
  dnsMs: 1000,
  connectMs: 1000,
  tlsMs: 2000,
  headMs: 1000,
  idleMs: 500,
  totalMs: 5000,
  seriesMs: 5000,
  bodyBytesMax: 64 * 1024 * 1024,
  furtherBytesMax: 1024 * 1024,
};

/** A probe with the program's own clock and sockets. An error code that no table has fails the test. */
export function probeUrl(url: string, more: Partial<ProbeOptions> = {}): Promise<ProbeReport> {
  return probe(
    {
      target: new URL(url),
      via: null,
      host: null,
      requests: 2,
      allowsWrite: false,
      http2: false,
      nameServers: [],
      tls: { verify: true, ca: null },
      userAgent: 'candor-probe/test',
      limits,
      ...more,
    },
    {
      clock: systemClock,
      random: systemRandom,
      authorOf: () => null,
      onUnclassified: ({ stage, code }) => {
        throw new Error(`unclassified at ${stage}: ${code}`);
      },
      onStep: () => undefined,
    },
  );
}
