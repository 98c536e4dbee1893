import { basename, join, resolve } from 'node:path';
import { certificatesFolder, localAuthorityState } from '../core/managed-tls.ts';
import { pagePlaceholders, pagePlaceholdersMax, pageTemplate, unknownPlaceholders } from '../core/page-template.ts';
import type { ErrorCollector } from './error-collector.ts';
import type { Draft } from './draft.ts';
import { isMap } from './draft.ts';
import { parseHeaderValue } from '../schema/format/field.ts';
import { parseServiceUrl } from './format/service-url.ts';
import { nearest } from '../core/nearest.ts';
import type { NamedFile, TextFile } from '../features/feature-keys.ts';
import { featuresOfFile } from '../features/keys.ts';
import { orList, type ErrorDetail, quoted } from '../schema/error-detail.ts';
import type { Path } from '../schema/findings.ts';
import { filesOfAlerts } from './review-alerts.ts';
import type { ListenerRead, ListenerTlsRead } from './listener-schema.ts';

/** A file that the configuration names and that must be read before it is whole. */
export interface WantedFile {
  /** Absolute, but for a program that is looked for in the folders of PATH. */
  readonly path: string;
  readonly kind:
    | NamedFile['kind']
    | keyof typeof textFiles
    | 'program'
    /** The same, of an application: it may be built later. */
    | 'started_program'
    /** Of the log: without it no line is sent. */
    | 'logger'
    /** It may come later. */
    | 'logger_socket'
    /** The folder is made if it is missing. */
    | 'written_folder'
    | 'folder'
    /** Its lines are read once it is there. */
    | 'followed_file';
  /** Where the file is named. */
  readonly at: Path;
  /** Finds what is wrong in it. */
  readonly review?: NamedFile['review'];
}

export type FileReading =
  | {
      readonly ok: true;
      readonly text: string;
      /** Other users of the machine may read it. */
      readonly isOpen: boolean;
    }
  | { readonly ok: false; readonly error: ErrorDetail };

/** What is read of them, as text. */
const textFiles = {
  /** Sent to everybody while something fails, and held by each worker. */
  error_page: { what: 'an error page', bytesMax: 256 * 1024 },
  /** Twice what systems ship with all public authorities. */
  certificates: { what: 'a list of certificates', bytesMax: 1024 * 1024 },
  /** Ten times an RSA key of 16,384 bits. */
  private_key: { what: 'a private key', bytesMax: 128 * 1024, isSecret: true },
  /** CAs give keys of some hundred bits. */
  hmac_key: { what: 'the key of an external account', bytesMax: 4 * 1024, isSecret: true },
  /** Random text: more is no better. */
  session_key: {
    what: 'a key for session cookies',
    bytesMax: 4 * 1024,
    isSecret: true,
    maker: 'openssl rand -base64 32 >',
  },
  /** A URL, a token or a password. */
  alert_secret: { what: 'a secret of a target of alerts', bytesMax: 4 * 1024, isSecret: true },
  /** A key of an account. */
  header_value: { what: 'the value of a header', bytesMax: 4 * 1024, isSecret: true },
  /** Of an earlier run, with a certificate, a key and some hundred names; it need not be there. */
  local_authority: { what: 'a local CA', bytesMax: 256 * 1024, isSecret: true },
} as const satisfies Readonly<Record<string, TextFile>>;

type TextKind = keyof typeof textFiles | TextFile;

/** Whether the text of the file is needed; of others it is looked at what they are. */
export function isRead(kind: WantedFile['kind']): kind is TextKind {
  return typeof kind === 'object' || kind in textFiles;
}

export function textFileOf(kind: TextKind): TextFile {
  return typeof kind === 'object' ? kind : textFiles[kind];
}

/** What nobody but the gateway should read. */
export function isSecret(kind: WantedFile['kind']): boolean {
  return isRead(kind) && textFileOf(kind).isSecret === true;
}

export function wantedFiles(draft: Draft, directory: string, stateFolder: string | null): WantedFile[] {
  const wanted: WantedFile[] = [];
  const want = (kind: WantedFile['kind'], path: string, at: Path): void => {
    wanted.push({ kind, path: resolve(directory, path), at });
  };
  const pages = (from: Readonly<Record<string, string>> | undefined, at: Path): void => {
    for (const [status, path] of Object.entries(from ?? {})) want('error_page', path, [...at, status]);
  };
  pages(draft.plain.error_pages, ['error_pages']);
  for (const { filesOfFile } of featuresOfFile)
    for (const named of filesOfFile?.(draft.plain) ?? [])
      wanted.push({ ...named, path: resolve(directory, named.path) });
  for (const [at, route] of draft.routes) {
    pages(route.error_pages, ['routes', at, 'error_pages']);
    for (const { filesOfRoute } of featuresOfFile)
      for (const named of filesOfRoute?.(route) ?? [])
        wanted.push({ ...named, path: resolve(directory, named.path), at: ['routes', at, ...named.at] });
  }
  for (const [name, upstream] of draft.upstreams) {
    if (Array.isArray(upstream) || !isMap(upstream.tls)) continue;
    const { ca_file, certificate_file, key_file } = upstream.tls;
    const at = (key: string): Path => ['upstreams', name, 'tls', key];
    for (const [index, path] of (ca_file ?? []).entries())
      want('certificates', path, itemPath(draft, at('ca_file'), index));
    if (certificate_file !== undefined) want('certificates', certificate_file, at('certificate_file'));
    if (key_file !== undefined) want('private_key', key_file, at('key_file'));
  }
  const { otlp, log } = draft.plain;
  const authorities = log?.syslog !== undefined && 'to' in log.syslog ? (log.syslog.ca_file ?? []) : [];
  for (const [index, path] of authorities.entries())
    want('certificates', path, itemPath(draft, ['log', 'syslog', 'ca_file'], index));
  const syslog = log?.syslog;
  const receiver = syslog !== undefined && 'to' in syslog ? syslog.to : syslog;
  if (receiver?.kind === 'logger') {
    const at: Path = syslog !== undefined && 'to' in syslog ? ['log', 'syslog', 'to'] : ['log', 'syslog'];
    wanted.push({ kind: 'logger', path: 'logger', at }, { kind: 'logger_socket', path: receiver.host, at });
  }
  if (isMap(otlp)) {
    const { ca_file = [], certificate_file, key_file, header_files = {} } = otlp;
    for (const [index, path] of ca_file.entries())
      want('certificates', path, itemPath(draft, ['otlp', 'ca_file'], index));
    if (certificate_file !== undefined) want('certificates', certificate_file, ['otlp', 'certificate_file']);
    if (key_file !== undefined) want('private_key', key_file, ['otlp', 'key_file']);
    for (const [name, path] of Object.entries(header_files)) want('header_value', path, ['otlp', 'header_files', name]);
  }
  for (const [section, named] of [
    ['upstreams', draft.upstreams],
    ['applications', draft.applications],
  ] as const)
    for (const [name, read] of named) {
      const { logs = [] } = isMap(read) ? read : {};
      for (const [index, path] of logs.entries())
        want('followed_file', path, itemPath(draft, [section, name, 'logs'], index));
      for (const { filesOfUpstream, filesOfApplication } of featuresOfFile) {
        const given = isMap(read) ? read : {};
        const ofApplication = section === 'applications' ? (filesOfApplication?.(given) ?? []) : [];
        for (const { kind, path, at } of [...(filesOfUpstream?.(given) ?? []), ...ofApplication])
          want(kind, path, [section, name, ...at]);
      }
    }
  for (const { kind, path, at } of filesOfAlerts(draft)) {
    if (kind === 'program') wanted.push({ kind, path: programPath(path, directory), at });
    else want(kind, path, at);
  }
  const { store } = draft.plain;
  if (isMap(store) && store.path !== undefined) want('written_folder', store.path, ['store', 'path']);
  if (draft.plain.state != null) want('written_folder', draft.plain.state, ['state']);
  for (const [name, { directory: folder = '.', command = [], environment = {}, workers = {} }] of draft.applications) {
    if (folder !== '.') want('folder', folder, ['applications', name, 'directory']);
    const programs = [
      { command, environment, at: ['applications', name, 'command'] },
      ...Object.entries(workers).map(([worker, own]) => ({
        command: own.command,
        environment: { ...environment, ...own.environment },
        at: ['applications', name, 'workers', worker, 'command'],
      })),
    ];
    // Its own PATH is for it alone. Of a word with spaces `review-commands.ts` says what to write.
    for (const {
      command: [program = ''],
      environment: variables,
      at,
    } of programs)
      if (variables['PATH'] === undefined && /^[^\s{]+$/.test(program))
        wanted.push({
          kind: 'started_program',
          path: programPath(program, resolve(directory, folder)),
          at: itemPath(draft, at, 0),
        });
  }
  const adminTls = draft.plain.admin?.tls;
  if (adminTls !== undefined) {
    want('certificates', adminTls.certificate_file, ['admin', 'tls', 'certificate_file']);
    want('private_key', adminTls.key_file, ['admin', 'tls', 'key_file']);
  }
  for (const [name, listener] of draft.listeners) {
    const tls = tlsOfListener(listener);
    if (tls === null) continue;
    const at: Path = ['listeners', name, 'tls'];
    for (const [index, { certificate_file, key_file }] of (tls.certificates ?? []).entries()) {
      want('certificates', certificate_file, [...at, 'certificates', index, 'certificate_file']);
      want('private_key', key_file, [...at, 'certificates', index, 'key_file']);
    }
    if (tls.internal === true && stateFolder !== null)
      want('local_authority', join(stateFolder, certificatesFolder, localAuthorityState), at);
    if (typeof tls.auto === 'object') {
      const roots: Path = [...at, 'auto', 'ca_file'];
      for (const [index, path] of (tls.auto.ca_file ?? []).entries())
        want('certificates', path, itemPath(draft, roots, index));
      const { external_account, dns_hook } = tls.auto;
      const [program] = dns_hook ?? [];
      if (program !== undefined)
        wanted.push({
          kind: 'program',
          path: programPath(program, directory),
          at: itemPath(draft, [...at, 'auto', 'dns_hook'], 0),
        });
      if (external_account !== undefined)
        want('hmac_key', external_account.hmac_key_file, [...at, 'auto', 'external_account', 'hmac_key_file']);
    }
    const authorities: Path = [...at, 'client_certificates', 'ca_file'];
    for (const [index, path] of (tls.client_certificates?.ca_file ?? []).entries())
      want('certificates', path, itemPath(draft, authorities, index));
  }
  return wanted;
}

/** A path begins at the folder of the configuration; a name alone is looked for in the folders of PATH. */
export function programPath(program: string, directory: string): string {
  return program.includes('/') ? resolve(directory, program) : program;
}

/** What is written about TLS at a listener; null: nothing. */
export function tlsOfListener(listener: ListenerRead): ListenerTlsRead | null {
  const tls = typeof listener === 'object' && 'bind' in listener ? listener.tls : undefined;
  return typeof tls === 'string' ? { [tls]: true } : (tls ?? null);
}

/** Where one of the values of `at` is written, which may be a list or a single value. */
export function itemPath(draft: Draft, at: Path, index: number): Path {
  let written: unknown = draft.raw;
  for (const key of at)
    written = isMap(written) ? written[key] : Array.isArray(written) ? (written[Number(key)] as unknown) : undefined;
  return Array.isArray(written) ? [...at, index] : at;
}

/** Complains of what could not be read. What was read of certificates and keys, `review-tls.ts` judges. */
export function reviewFiles(
  wanted: readonly WantedFile[],
  readings: ReadonlyMap<string, FileReading>,
  collector: ErrorCollector,
): void {
  for (const { path, at, kind, review } of wanted) {
    const reading = readings.get(path);
    if (reading === undefined || kind === 'local_authority') continue;
    // The service manager may set another PATH than the one of this shell.
    // Nor does a gateway end because it can store nothing.
    if (
      !reading.ok &&
      (kind === 'written_folder' ||
        kind === 'served_folder' ||
        kind === 'logger_socket' ||
        kind === 'started_program' ||
        (kind === 'program' && !path.includes('/')))
    )
      collector.warnAtValue(at, reading.error.message, reading.error.suggestion);
    else if (!reading.ok) collector.addDetail(at, reading.error);
    else if (review !== undefined) {
      review(reading.text, at, collector);
      if (reading.isOpen && isSecret(kind)) warnOpen(path, at, collector);
    } else if (kind === 'error_page') reviewPage(path, reading.text, at, collector);
    else if (kind === 'session_key') reviewSessionKey(path, reading, at, collector);
    else if (kind === 'alert_secret') reviewAlertSecret(path, reading, at, collector);
    else if (kind === 'header_value') reviewHeaderValue(path, reading, at, collector);
    else if (kind === 'hmac_key') reviewHmacKey(path, reading, at, collector);
  }
}

/** The key of an external account as CAs hand it out: base64url (RFC 8555 §7.3.4), some with the padding of base64. */
export function hmacKeyFrom(text: string): string | null {
  const key = text.trim().replace(/=+$/, '');
  return /^[\w-]{16,}$/.test(key) ? key : null;
}

/** RFC 7518 §3.2: a key of HS256 has 256 bits or more. */
const hmacKeyLengthMin = 43;

function hmacKeyError(name: string, text: string): ErrorDetail | null {
  const key = text.trim().replace(/=+$/, '');
  if (/^[\w-]{16,}$/.test(key)) return null;
  if (/^[\w-]*$/.test(key))
    return {
      message: `${name} has ${key.length === 0 ? 'no key' : `a key of ${key.length} characters, and CAs give ${hmacKeyLengthMin} or more`}`,
      suggestion: 'write the whole HMAC key into it as the CA shows it; the identifier of the key belongs to "key_id"',
    };
  if (/^[\w+/-]+$/.test(key))
    return {
      message: `${name} has a key in base64, and ACME has it in base64url`,
      suggestion: 'write "-" for each "+" and "_" for each "/"',
    };
  return {
    message: `${name} has no key in base64url: one line of letters, digits, "-" and "_"`,
    suggestion: 'write the HMAC key into it as the CA shows it, and nothing else',
  };
}

function reviewHmacKey(
  path: string,
  { text, isOpen }: Extract<FileReading, { ok: true }>,
  at: Path,
  collector: ErrorCollector,
): void {
  const key = hmacKeyFrom(text);
  if (key === null) return collector.addDetail(at, hmacKeyError(quoted(basename(path)), text));
  if (key.length < hmacKeyLengthMin)
    collector.warnAtValue(
      at,
      `the key in ${quoted(basename(path))} has ${key.length} characters, and CAs give ${hmacKeyLengthMin} or more (RFC 7518 §3.2)`,
      'look whether the key is there as a whole',
    );
  if (isOpen) warnOpen(path, at, collector);
}

/** As many as 24 random bytes in base64. */
const sessionKeyLengthMin = 32;

function reviewSessionKey(
  path: string,
  { text, isOpen }: Extract<FileReading, { ok: true }>,
  at: Path,
  collector: ErrorCollector,
): void {
  const { length } = text.trim();
  if (length < sessionKeyLengthMin)
    return collector.addDetail(at, {
      message: `${quoted(basename(path))} has ${length} characters, and a key has ${sessionKeyLengthMin} or more`,
      suggestion: `openssl rand -base64 32 > ${path}`,
    });
  if (isOpen) warnOpen(path, at, collector);
}

/** The error of a file that has not exactly one line, or null. */
function lineError(path: string, text: string, what: string, suggestion: string): ErrorDetail | null {
  const lines = text.trim() === '' ? 0 : text.trim().split('\n').length;
  if (lines === 1) return null;
  const has = lines === 0 ? 'no line' : `${lines} lines`;
  return { message: `${quoted(basename(path))} has ${has}, and ${what} is one line`, suggestion };
}

function reviewHeaderValue(
  path: string,
  { text, isOpen }: Extract<FileReading, { ok: true }>,
  at: Path,
  collector: ErrorCollector,
): void {
  const value = parseHeaderValue(text.trim());
  const error =
    lineError(path, text, 'the value of a header', 'write the value into it, and nothing else') ??
    (value.ok ? null : { ...value.failure, message: `${quoted(basename(path))}: ${value.failure.message}` });
  if (error !== null) return collector.addDetail(at, error);
  if (isOpen) warnOpen(path, at, collector);
}

function reviewAlertSecret(
  path: string,
  { text, isOpen }: Extract<FileReading, { ok: true }>,
  at: Path,
  collector: ErrorCollector,
): void {
  const error = lineError(path, text, 'a secret', 'write the URL, token or password into it, and nothing else');
  if (error !== null) return collector.addDetail(at, error);
  if (at.at(-1) === 'url_file') {
    const parsed = parseServiceUrl(text.trim());
    if (!parsed.ok)
      return collector.addDetail(at, {
        ...parsed.failure,
        message: `in ${quoted(basename(path))} ${parsed.failure.message}`,
      });
  }
  if (isOpen) warnOpen(path, at, collector);
}

function warnOpen(path: string, at: Path, collector: ErrorCollector): void {
  collector.warnAtValue(
    at,
    `every user of this machine may read the key in ${quoted(basename(path))}`,
    `chmod 600 ${path}`,
  );
}

/** More typing mistakes than these are found when the first ones are corrected. */
const unknownMost = 3;

function reviewPage(path: string, page: string, at: Path, errors: ErrorCollector): void {
  errors.addDetail(at, pageError(path, page));
  for (const name of unknownPlaceholders(page, unknownMost)) {
    const [near] = nearest(name, pagePlaceholders, 1);
    errors.warnAtValue(
      at,
      `${quoted(basename(path))} has ${braced(name)}, which is no placeholder: visitors read it as it is`,
      near === undefined ? `placeholders are ${orList(pagePlaceholders.map(braced))}` : `did you mean ${braced(near)}?`,
    );
  }
}

function braced(name: string): string {
  return `{{${name}}}`;
}

/** Counted no further than needed: more are as wrong. */
function pageError(path: string, page: string): ErrorDetail | null {
  const { placeholders } = pageTemplate(page, pagePlaceholdersMax + 1);
  if (placeholders.length <= pagePlaceholdersMax) return null;
  return {
    message: `${quoted(basename(path))} has more than ${pagePlaceholdersMax} placeholders such as {{${placeholders[0]}}}`,
    suggestion: 'write each where visitors read it, and no more: they are filled in for every request that fails',
  };
}
