import type { UpstreamTls } from '../core/upstream-spec.ts';
import type { Clock } from '../core/time.ts';
import { after } from '../core/time.ts';
import { type InspectedCertificate, inspectTls, type TlsInspection } from '../transport/inspect-tls.ts';
import type { CertificateReport, TlsReport } from './probe-report.ts';

interface InspectedServer {
  readonly address: string;
  readonly port: number;
  /** The name to ask for, or the address. */
  readonly name: string;
  readonly isName: boolean;
  readonly settings: UpstreamTls;
}

const dayMs = 86_400_000;

/** What a TLS server shows, with its name and without; null if no handshake comes to an end. */
export async function reportTls(server: InspectedServer, limitMs: number, clock: Clock): Promise<TlsReport | null> {
  const named = await inspect(server, true, limitMs, clock);
  if (named === null) return null;
  const unnamed = server.isName ? await inspect(server, false, limitMs, clock) : named;
  return {
    version: named.version,
    cipher: named.cipher,
    alpn: named.alpn,
    serverName: server.isName ? server.name : null,
    withoutName: server.isName ? compared(named, unnamed) : 'unknown',
    refusal: named.refusal,
    chain: named.chain.map((certificate) => certificateReport(certificate, clock.wallTime())),
  };
}

function inspect(
  { address, port, name, settings }: InspectedServer,
  sendsName: boolean,
  limitMs: number,
  clock: Clock,
): Promise<TlsInspection | null> {
  return new Promise((resolve) => {
    const target = { address, port, name, sendsName, protocols: ['h2', 'http/1.1'], settings };
    const inspection = inspectTls(target, {
      onInspected(found) {
        timer.cancel();
        resolve(found);
      },
      // Why a handshake fails is reported by the connection that requests are sent on.
      onInspectionFailed() {
        timer.cancel();
        resolve(null);
      },
    });
    const timer = clock.schedule(
      after(clock.now(), limitMs),
      () => {
        inspection.cancel();
        resolve(null);
      },
      undefined,
    );
  });
}

function compared(named: TlsInspection, unnamed: TlsInspection | null): TlsReport['withoutName'] {
  if (unnamed === null) return 'refused';
  return named.chain[0]?.fingerprint === unnamed.chain[0]?.fingerprint ? 'same' : 'other';
}

function certificateReport(certificate: InspectedCertificate, now: number): CertificateReport {
  const { subject, issuer, names, notBefore, notAfter } = certificate;
  const daysLeft = notAfter === null ? null : Math.floor((notAfter - now) / dayMs);
  return { subject, issuer, names, notBefore: dateText(notBefore), notAfter: dateText(notAfter), daysLeft };
}

function dateText(time: number | null): string | null {
  return time === null ? null : new Date(time).toISOString();
}
