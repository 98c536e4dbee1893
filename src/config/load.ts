import { basename, dirname, resolve } from 'node:path';
import type { Configuration } from '../core/configuration.ts';
import type { ConfigurationError } from './configuration-errors.ts';
import { configurationError } from './configuration-errors.ts';
import type { Environment } from './expand.ts';
import { type ConfigurationHost, namedPipe } from './host.ts';
import { lookForFile, lookForFolder } from './look-for-folder.ts';
import { lookForProgram } from './look-for-program.ts';
import { suggestNearest } from './nearest.ts';
import type { ErrorDetail } from '../schema/error-detail.ts';
import { quoted } from '../schema/error-detail.ts';
import type { LeftOpen, ParseContext, Parsing } from './parse.ts';
import { parseConfiguration } from './parse.ts';
import { fileBytesMax } from './read-document.ts';
import type { ReadableParts } from './readable-parts.ts';
import type { ShownText } from './shown-text.ts';
import { wholeFile } from './source-text.ts';
import type { FileReading, WantedFile } from './wanted-files.ts';
import { wantedNames, isRead, wantedBytesMax } from './wanted-files.ts';

export type Loading =
  | {
      readonly ok: true;
      readonly configuration: Configuration;
      readonly warnings: readonly ConfigurationError[];
      readonly leftOpen: LeftOpen;
      /** Without secrets, for messages. */
      readonly maskedText: () => string;
      /** Without secrets, as YAML. */
      readonly shownText: () => ShownText;
      /** Absolute paths of everything that was read, the configuration first. */
      readonly files: readonly string[];
    }
  | {
      readonly ok: false;
      /** Null: the file itself cannot be read. */
      readonly readable: ReadableParts | null;
      /** Where there is no file: the YAML files of its folder, three at most. */
      readonly yamlBeside?: readonly string[];
      readonly errors: readonly ConfigurationError[];
      readonly maskedText: () => string;
      readonly shownText: () => ShownText;
      readonly files: readonly string[];
    };

/**
 * Reads a configuration and the files that it names. All that is wrong is said at once; never rejects. `wallTime`:
 * milliseconds since the Unix epoch, for certificates; without it their periods of validity are not judged.
 */
export async function loadConfiguration(
  path: string,
  environment: Environment,
  host: ConfigurationHost,
  wallTime: number | null = null,
): Promise<Loading> {
  const absolute = resolve(path);
  const read = await readText(absolute, fileBytesMax, 'a configuration', host);
  if (!read.ok) {
    const { message, suggestion, yamlBeside } = read.error;
    return {
      ok: false,
      readable: null,
      ...(yamlBeside === undefined ? {} : { yamlBeside }),
      errors: [configurationError(path, wholeFile, '', message, suggestion)],
      maskedText: () => '',
      shownText: () => ({ text: '', unshown: null }),
      files: [absolute],
    };
  }
  const { hostname, addresses = [] } = host;
  const context: ParseContext = { file: path, directory: dirname(absolute), environment, hostname, addresses };
  const survey = parseConfiguration(read.text, context);
  const named = survey.wanted.filter(({ kind }) => isRead(kind) && kind !== 'local_authority');
  const files = [absolute, ...new Set(named.map((wanted) => wanted.path))];
  if (survey.wanted.length === 0) return { ...survey, files };
  const readings = await readAll(survey.wanted, environment, host);
  const parsing: Parsing = parseConfiguration(read.text, { ...context, readings, wallTime });
  return { ...parsing, files };
}

async function readAll(
  wanted: readonly WantedFile[],
  environment: Environment,
  host: ConfigurationHost,
): Promise<Map<string, FileReading>> {
  const readings = new Map<string, FileReading>();
  for (const { path, kind } of wanted) {
    if (readings.has(path)) continue;
    if (kind === 'program' || kind === 'started_program')
      readings.set(path, await lookForProgram(path, environment, host));
    else if (kind === 'written_folder' || kind === 'folder') readings.set(path, await lookForFolder(path, kind, host));
    else if (kind === 'followed_file') readings.set(path, await lookForFile(path, host));
    else readings.set(path, await readText(path, wantedBytesMax[kind], wantedNames[kind], host));
  }
  return readings;
}

/** Why a file cannot be read. */
interface Unreadable extends ErrorDetail {
  /** The YAML files where it was looked for, three at most; absent: it is there. */
  readonly yamlBeside?: readonly string[];
}

type TextReading = Extract<FileReading, { ok: true }> | { readonly ok: false; readonly error: Unreadable };

async function readText(path: string, bytesMax: number, what: string, host: ConfigurationHost): Promise<TextReading> {
  const result = await host.readFile(path, bytesMax);
  if (!result.ok) return { ok: false, error: await explainUnreadable(path, result.why, bytesMax, what, host) };
  try {
    return {
      ok: true,
      text: new TextDecoder('utf-8', { fatal: true }).decode(result.content),
      isOpen: result.isOpen === true,
    };
  } catch {
    // A fatal decoder throws for one reason only.
    const binary = binaryError(result.content, basename(path));
    if (binary !== null) return { ok: false, error: binary };
    return {
      ok: false,
      error: {
        message: `${quoted(basename(path))} is not UTF-8 text`,
        suggestion: suggestEncoding(result.content),
      },
    };
  }
}

/** What stands at the beginning of ASN.1 in DER: a sequence, its length, and what its first part is. */
const derKinds: readonly (readonly [start: RegExp, what: string, command: string])[] = [
  [/^30(?:[0-7].|81..|82.{4}|83.{6}|84.{8})30/, 'a certificate in DER', 'openssl x509 -inform DER'],
  [/^30(?:[0-7].|81..|82.{4}|83.{6}|84.{8})0201(?:00|01)/, 'a private key in DER', 'openssl pkey -inform DER'],
  [/^30(?:[0-7].|81..|82.{4}|83.{6}|84.{8})020103/, 'a store of PKCS #12', 'openssl pkcs12 -nodes'],
];

/** Certificates and keys that others take in binary; null: it is something else. */
function binaryError(content: Uint8Array, name: string): ErrorDetail | null {
  const start = Buffer.from(content.subarray(0, 16)).toString('hex');
  const found = derKinds.find(([pattern]) => pattern.test(start));
  if (found === undefined) return null;
  const [, what, command] = found;
  const pem = `${name.replace(/\.(?:der|cer|crt|key|p12|pfx|bin)$/i, '')}.pem`;
  return { message: `${quoted(name)} is ${what}, and PEM is needed`, suggestion: `${command} -in ${name} -out ${pem}` };
}

function suggestEncoding(content: Uint8Array): string {
  const [first, second] = content;
  if ((first === 0xff && second === 0xfe) || (first === 0xfe && second === 0xff))
    return 'it looks like UTF-16; save it as UTF-8';
  return 'save it as UTF-8';
}

async function explainUnreadable(
  path: string,
  why: string,
  bytesMax: number,
  what: string,
  host: ConfigurationHost,
): Promise<Unreadable> {
  const name = quoted(basename(path));
  const folder = dirname(path);
  switch (why) {
    case 'ENOENT':
    case 'ENOTDIR': {
      const names = await host.listDirectory(folder);
      const yamlBeside = (names ?? []).filter((one) => /\.ya?ml$/.test(one)).slice(0, 3);
      if (names === null) return { message: `there is no folder ${quoted(folder)}`, suggestion: null, yamlBeside };
      return {
        message: `there is no file ${name} in ${quoted(folder)}`,
        suggestion: suggestNearest(basename(path), names),
        yamlBeside,
      };
    }
    case 'EISDIR':
      return {
        message: `${name} is a folder, not a file`,
        suggestion: 'name the file in it',
      };
    case 'EACCES':
    case 'EPERM':
      return {
        message: `${name} may not be read by this user`,
        suggestion: 'let this user read it, and enter the folders above it',
      };
    case 'ELOOP':
      return { message: `${name} is a link that leads back to itself`, suggestion: 'name the file itself' };
    case namedPipe:
      return {
        message: `${name} is a named pipe, not a file`,
        suggestion: what === 'a configuration' ? 'write into standard input, and say -c -' : 'name a file',
      };
    case 'EFBIG':
      return { message: `${name} is larger than ${what} may be, ${bytesMax / 1024} KiB`, suggestion: null };
    default:
      return { message: `${name} cannot be read (${why})`, suggestion: null };
  }
}
