import type { CertificateSupply, CertificateSupplyPorts, ManagedState } from '../core/managed-tls.ts';
import type { ListenerCertificate } from '../core/listener-spec.ts';
import { after, type Timer } from '../core/time.ts';
import { type LocalAuthority, issueLocally } from './local-authority.ts';
import { localAuthorityFile, localAuthorityFor } from './local-authority-store.ts';

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
          reason: `made a new local CA for ${this.#hosts.join(', ')}: clients have to trust ${localAuthorityFile(folder)} (see candor trust)`,
          evidence: { names: this.#hosts, authority: 'internal', notAfter: this.#notAfter(), isRenewal: false },
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
