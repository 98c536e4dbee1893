import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { SeededRandom } from '../testing/seeded-random.ts';
import { SimulatedClock } from '../testing/simulated-clock.ts';
import { CertificateStore } from './certificate-store.ts';
import { Issuer } from './issuer.ts';
import type { ManagedCertificate } from './managed-certificate.ts';
import { EventLog, NotingResponder, SimulatedAuthority, transportTo } from './simulated-authority.test-support.ts';

export const minuteMs = 60_000;
export const hourMs = 60 * minuteMs;
export const dayMs = 24 * hourMs;
export const down = () => ({ failure: { reason: 'refused', code: 'ECONNREFUSED' } }) as const;

interface IssuerWorld {
  readonly clock: SimulatedClock;
  readonly first: SimulatedAuthority;
  readonly second: SimulatedAuthority;
  readonly log: EventLog;
  readonly folder: string;
  published: readonly ManagedCertificate[];
  /** Without `only`: of both CAs. */
  issuer(only?: SimulatedAuthority): Issuer;
}

export function issuerWorld(context: TestContext): IssuerWorld {
  const folder = mkdtempSync(join(tmpdir(), 'candor-certificates-'));
  context.after(() => rmSync(folder, { recursive: true, force: true }));
  const clock = new SimulatedClock();
  const [first, second] = [new SimulatedAuthority(clock, 'first.test'), new SimulatedAuthority(clock, 'second.test')];
  const log = new EventLog();
  const authorities = [first, second].map(({ directoryUrl }) => ({
    directoryUrl,
    contacts: [],
    externalAccount: null,
  }));
  const made: IssuerWorld = {
    ...{ clock, first, second, log, folder, published: [] },
    issuer(only) {
      const store = new CertificateStore(join(folder, 'certificates'));
      const transport = transportTo(first, second);
      const ports = { clock, random: new SeededRandom('issuer'), transport, store, events: log, check: null };
      const asked = authorities.filter(({ directoryUrl }) => directoryUrl === (only?.directoryUrl ?? directoryUrl));
      return new Issuer(ports, { authorities: asked, failuresMax: 3 }, async (all) => void (made.published = all));
    },
  };
  return made;
}

export const wanted = (...names: string[]) => ({ names, responder: new NotingResponder() });
