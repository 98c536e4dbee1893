import {
  type CertificateSupply,
  type CertificateSupplyPorts,
  hostsBeyond,
  type ManagedState,
} from '../core/managed-tls.ts';
import type { ListenerCertificate } from '../core/listener-spec.ts';
import { after, type Timer } from '../core/time.ts';
import { type LocalAuthority, issueLocally, localAuthorityFile, localAuthorityFor } from './local-authority.ts';

interface IssuedLocally extends ListenerCertificate {
  readonly renewAt: number;
}

/** The wall clock may jump. */
const lookEveryMs = 3_600_000;
const retryMs = 60_000;

type Ports = Omit<CertificateSupplyPorts, 'random' | 'nameServers' | 'show' | 'hide'>;

/**
 * Certificates from a CA of this gateway. The CA is kept in the folder; certificates are made anew by each process, since that takes
 * a millisecond.
 */
export class LocalSupply implements CertificateSupply {
  readonly onDemand = null;
  readonly #ports: Ports;
  #hosts: readonly string[] = [];
  #issued = new Map<string, IssuedLocally>();
  #issuer: LocalAuthority | null = null;
  #problem: ManagedState['failure'] = null;
  #timer: Timer | null = null;

  constructor(ports: Ports) {
    this.#ports = ports;
  }

  setHosts(hosts: readonly string[]): void {
    this.#hosts = hosts;
    this.#supply();
  }

  states(): readonly ManagedState[] {
    return this.#hosts.map((host) => {
      const { notAfter = null, renewAt = null } = this.#issued.get(host) ?? {};
      return { names: [host], notAfter, renewAt, failure: this.#problem, progress: null };
    });
  }

  close(): Promise<void> {
    this.#timer?.cancel();
    return Promise.resolve();
  }

  #supply(): void {
    const { clock, folder, events, publish } = this.#ports;
    const wallTime = clock.wallTime();
    const found = localAuthorityFor(folder, this.#hosts, wallTime);
    if ('why' in found) this.#fail(found.why);
    else {
      this.#problem = null;
      const { authority } = found;
      const isSame = authority.certificate === this.#issuer?.certificate;
      this.#issuer = authority;
      this.#issued = new Map(
        this.#hosts.map((host) => {
          const known = isSame ? this.#issued.get(host) : undefined;
          if (known !== undefined && wallTime < known.renewAt) return [host, known];
          return [host, { names: [host], ...issueLocally(authority, host, wallTime) }];
        }),
      );
      void publish([...this.#issued.values()]);
      if (found.isNew)
        events.emit({
          kind: 'certificate_issued',
          subject: 'certificate:local-ca',
          reason: newAuthorityText(found.before, this.#hosts, localAuthorityFile(folder)),
          evidence: {
            names: this.#hosts,
            authority: 'internal',
            notAfter: this.#notAfter(),
            isRenewal: found.before !== null,
          },
        });
    }
    this.#timer?.cancel();
    const pauseMs = this.#problem === null ? lookEveryMs : retryMs;
    this.#timer = clock.schedule(after(clock.now(), pauseMs), () => this.#supply(), undefined);
  }

  #notAfter(): string {
    return new Date(Math.max(0, ...[...this.#issued.values()].map(({ notAfter }) => notAfter))).toISOString();
  }

  #fail(why: string): void {
    const { clock, folder, events } = this.#ports;
    const at = clock.wallTime();
    const reason = `the local CA cannot be kept: ${folder} ${why}`;
    if (this.#problem === null)
      events.emit({
        kind: 'state_unusable',
        subject: 'gateway',
        reason,
        evidence: { folder, file: null, errno: null },
      });
    const fix = 'let the gateway write there, and only its user';
    this.#problem = { reason, fix, at, retryAt: at + retryMs };
  }
}

/** `before`: the hosts that the certificate of before is for; null: there was none. */
function newAuthorityText(before: readonly string[] | null, hosts: readonly string[], path: string): string {
  if (before === null)
    return `made a new local CA for ${hosts.join(', ')}: clients have to trust ${path} (see candor trust)`;
  const further = hostsBeyond(before, hosts);
  if (further.length === 0)
    return `renewed the certificate of the local CA, which ends soon: clients have to trust ${path} anew (see candor trust)`;
  return `made a certificate of the local CA for ${further.join(', ')} too, with the same key: clients have to trust ${path} anew for that (see candor trust); for ${before.join(', ')} the earlier one is enough`;
}
