import type { AdminStatus, CertificateStatus, GatewayStatus } from '../core/schemas/status.ts';
import { alignColumns, columnsMax, countText, harmless, shorten } from './layout.ts';
import { type StatusTone, statusMark, type Style } from './style.ts';

type ListenerStatus = GatewayStatus['listeners'][number];

const toneOfListener: Record<ListenerStatus['state'], StatusTone> = {
  open: 'good',
  waiting: 'warn',
  closed: 'bad',
  failed: 'bad',
};

/** Each listener, and below it the certificates from files, which it shows. */
export function listenerLines({ listeners, certificates }: GatewayStatus, wallTime: number, style: Style): string[] {
  // Those that are obtained automatically have a section of their own.
  const obtained = new Set(certificates.map(({ name }) => name));
  const shown = listeners.map((listener) => ({
    ...listener,
    files: listener.certificates.filter(({ names }) => !obtained.has(names.join(', '))),
  }));
  const heads = alignColumns(
    shown.map((one) => [
      statusMark(one.certificates.some((c) => !isValid(c, wallTime)) ? 'bad' : toneOfListener[one.state], style),
      one.id,
      one.address,
      one.state,
      one.certificates.length > 0 && one.files.length === 0 ? certificatesText(one.certificates, wallTime, style) : '',
    ]),
    '  ',
  );
  return shown.flatMap(({ files }, index) => [heads[index] ?? '', ...certificateRows(files, wallTime, style)]);
}

/** Where the admin API answers, and the certificate that it shows. */
export function adminLines({ socket, url, certificate }: AdminStatus, wallTime: number, style: Style): string[] {
  const tone = certificate === null || isValid(certificate, wallTime) ? 'good' : 'bad';
  return [
    ...(socket === null ? [] : [`  ${statusMark('good', style)}  ${harmless(socket)}`]),
    ...(url === null ? [] : [`  ${statusMark(tone, style)}  ${harmless(url)}`]),
    ...certificateRows(certificate === null ? [] : [certificate], wallTime, style),
  ];
}

/** Each with its names, its own date and its issuer. */
function certificateRows(certificates: readonly CertificateStatus[], wallTime: number, style: Style): string[] {
  const names = certificates.map((one) => shorten(namesText(one), namesMax));
  const dates = certificates.map((one) => dateText(one, wallTime));
  const used = rowIndent.length + Math.max(...names.map(widthOf), 0) + Math.max(...dates.map(widthOf), 0) + 7;
  const rows = certificates.map((one, index) => {
    const tone = toneOf(one, wallTime);
    const date = dates[index] ?? '';
    return [
      statusMark(tone, style),
      names[index] ?? '',
      tone === 'good' ? date : style[tone](date),
      style.dim(shorten(issuerText(one), Math.max(issuerMin, columnsMax - used))),
    ];
  });
  return alignColumns(rows, rowIndent);
}

const rowIndent = '     ';
const namesMax = 28;
const issuerMin = 11;

function widthOf(text: string): number {
  return text.length;
}

/** 'shop.example.org and 2 more' */
function namesText({ names }: CertificateStatus): string {
  const [first = 'no host name', ...others] = names;
  return harmless(others.length === 0 ? first : `${first} and ${others.length} more`);
}

function issuerText({ issuer }: CertificateStatus): string {
  if (issuer === null) return '';
  return issuer === 'self-signed' ? issuer : harmless(`by ${issuer}`);
}

const dayMs = 86_400_000;
/** Renewals of certificates are due long before this. */
const expiresSoonDays = 21;

function isEarly({ notBefore }: CertificateStatus, wallTime: number): boolean {
  return notBefore !== null && Date.parse(notBefore) > wallTime;
}

function isValid(certificate: CertificateStatus, wallTime: number): boolean {
  return !isEarly(certificate, wallTime) && Date.parse(certificate.notAfter) > wallTime;
}

function toneOf(certificate: CertificateStatus, wallTime: number): 'good' | 'warn' | 'bad' {
  if (!isValid(certificate, wallTime)) return 'bad';
  return daysLeft(certificate, wallTime) < expiresSoonDays ? 'warn' : 'good';
}

function daysLeft({ notAfter }: CertificateStatus, wallTime: number): number {
  return Math.floor((Date.parse(notAfter) - wallTime) / dayMs);
}

/** 'until 2026-12-22 (12 days)' */
function dateText(certificate: CertificateStatus, wallTime: number): string {
  const until = certificate.notAfter.slice(0, 10);
  if (isEarly(certificate, wallTime)) return `valid from ${(certificate.notBefore ?? '').slice(0, 10)}`;
  if (!isValid(certificate, wallTime)) return `expired on ${until}`;
  const days = daysLeft(certificate, wallTime);
  if (days >= expiresSoonDays) return `until ${until}`;
  return `until ${until} (${days === 0 ? 'today' : countText(days, 'day')})`;
}

/** 'TLS until 2026-12-22', for the certificate that needs attention first. */
export function certificatesText(certificates: readonly CertificateStatus[], wallTime: number, style: Style): string {
  const invalid = certificates.find((one) => !isValid(one, wallTime));
  const [earliest] = certificates.toSorted((a, b) => Date.parse(a.notAfter) - Date.parse(b.notAfter));
  const first = invalid ?? earliest;
  if (first === undefined) return '';
  const tone = toneOf(first, wallTime);
  const text = `TLS ${dateText(first, wallTime)}`;
  return tone === 'good'
    ? text
    : style[tone](first.names[0] === undefined ? text : `${text}, ${harmless(first.names[0])}`);
}
