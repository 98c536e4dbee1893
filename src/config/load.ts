import { basename, dirname, resolve, delimiter, join } from 'node:path';
import type { Configuration } from '../core/configuration.ts';
import { loadPatterns, patternsAreWanted } from '../core/pattern.ts';
import { type ConfigurationError, configurationError } from './configuration-errors.ts';
import type { Environment } from './expand.ts';
import { type ConfigurationHost, namedPipe } from './host.ts';
import { suggestNearest } from './nearest.ts';
import { type ErrorDetail, quoted } from '../schema/error-detail.ts';
import { type LeftOpen, type ParseContext, type Parsing, parseConfiguration } from './parse.ts';
import {
  hasMarker,
  type IncludedFile,
  includedFilesMax,
  isIncludedName,
  pathOfIncluded,
  sourceParts,
  withIncluded,
} from './included-files.ts';
import type { TextFile } from '../features/feature-keys.ts';
import { fileBytesMax, readDocument } from './read-document.ts';
import type { IncludeError } from './tree-reader.ts';
import type { ReadableParts } from './readable-parts.ts';
import type { ShownText } from './shown-text.ts';
import { wholeFile } from './source-text.ts';
import { type FileReading, type WantedFile, isRead, textFileOf } from './wanted-files.ts';

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
  const read = await readText(absolute, { what: 'a configuration', bytesMax: fileBytesMax }, host);
  if (!read.ok) {
    const { message, suggestion, yamlBeside } = read.error;
    return {
      ok: false,
      readable: null,
      ...(yamlBeside === undefined ? {} : { yamlBeside }),
      errors: [configurationError(path, wholeFile, '', message, suggestion)],
      maskedText: () => '',
      shownText: () => ({ text: '', original: '', unshown: null }),
      files: [absolute],
    };
  }
  const { hostname, cores = 1, addresses = [] } = host;
  const context: ParseContext = { file: path, directory: dirname(absolute), environment, hostname, cores, addresses };
  const included = await readIncluded(read.text, context, host);
  const { text } = included;
  Object.assign(context, { includeErrors: included.errors });
  let survey = parseConfiguration(text, context);
  if (patternsAreWanted()) {
    await loadPatterns();
    survey = parseConfiguration(text, context);
  }
  const named = survey.wanted.filter(({ kind }) => isRead(kind) && kind !== 'local_authority');
  const files = [absolute, ...included.paths, ...new Set(named.map((wanted) => wanted.path))];
  if (survey.wanted.length === 0) return { ...survey, files };
  const readings = await readAll(survey.wanted, environment, host);
  const parsing: Parsing = parseConfiguration(text, { ...context, readings, wallTime });
  return { ...parsing, files };
}

interface Included {
  /** Of all files. */
  readonly text: string;
  readonly paths: readonly string[];
  readonly errors: ReadonlyMap<string, IncludeError>;
}

/** The text with the files that its routes include. Those that stand in it already, as in one that was kept, are not read. */
async function readIncluded(main: string, context: ParseContext, host: ConfigurationHost): Promise<Included> {
  const errors = new Map<string, IncludeError>();
  const paths: string[] = [];
  if (!main.includes('include')) return { text: main, paths, errors };
  const { includes = [] } = readDocument(main, context.file, context.environment);
  const known = new Set(sourceParts(main).map(({ include }) => include));
  const files: IncludedFile[] = [];
  let bytes = main.length;
  for (const include of new Set(includes)) {
    const fail = (message: string, suggestion: string | null, severity: IncludeError['severity'] = 'error'): void =>
      void errors.set(include, { message, suggestion, severity });
    const path = resolve(context.directory, include);
    if (known.has(include)) {
      const line = sourceParts(main).find((part) => part.include === include)?.line ?? 1;
      fail(
        `${quoted(include)} is not read: its files stand in this one, from line ${line - 1} on`,
        'to read it again, remove everything from that line to the end',
        'warning',
      );
      continue;
    }
    if (includes.indexOf(include) !== includes.lastIndexOf(include)) {
      fail(`${quoted(include)} is included twice`, 'keep one of the two');
      continue;
    }
    const names = await host.listDirectory(path);
    const wanted = names?.filter(isIncludedName).toSorted() ?? [''];
    if (names !== null) paths.push(path);
    if (wanted.length === 0)
      fail(`no file in ${quoted(include)} has a name that ends in .yaml or .yml`, null, 'warning');
    for (const name of wanted) {
      const found = await readText(join(path, name), { what: 'an included file', bytesMax: fileBytesMax }, host);
      if (!found.ok) {
        if (name === '' && found.why === 'EISDIR')
          fail(`the folder ${quoted(include)} may not be read by this user`, 'let this user read it');
        else if (include.includes('*'))
          fail(
            `there is no file ${quoted(include)}`,
            `name the folder: all its files are read whose names end in .yaml or .yml`,
          );
        else fail(found.error.message, found.error.suggestion);
        continue;
      }
      paths.push(join(path, name));
      bytes += found.text.length;
      if (bytes > fileBytesMax || files.length >= includedFilesMax)
        fail(
          `the files of a configuration have more than ${fileBytesMax / 1024} KiB together, or are more than ${includedFilesMax}`,
          null,
        );
      else if (hasMarker(found.text))
        fail(`${quoted(pathOfIncluded({ include, name }))} has files that it included itself`, 'include them instead');
      else files.push({ include, name, text: found.text.replace(/^\ufeff/, '') });
    }
  }
  return { text: withIncluded(main, files), paths, errors };
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
    else if (kind === 'logger') readings.set(path, await lookForLogger(environment, host));
    else if (kind === 'logger_socket') readings.set(path, await lookForSocket(path, host));
    else if (kind === 'served_folder') readings.set(path, await lookForServed(path, host));
    else if (kind === 'written_folder' || kind === 'folder') readings.set(path, await lookForFolder(path, kind, host));
    else if (kind === 'followed_file') readings.set(path, await lookForFile(path, host));
    else if (typeof kind === 'object' && kind.digest !== undefined)
      readings.set(path, await readDigest(path, kind, kind.digest, host));
    else readings.set(path, withMaker(await readText(path, textFileOf(kind), host), textFileOf(kind), path));
  }
  return readings;
}

/** A file that is not there, nor one with a similar name, may have to be made first. */
function withMaker(reading: TextReading, { maker }: TextFile, path: string): FileReading {
  if (reading.ok || reading.why !== 'ENOENT' || reading.error.suggestion !== null || maker === undefined)
    return reading;
  return { ok: false, error: { ...reading.error, suggestion: `make it with \`${maker} ${path}\`` } };
}

/** A file that is no text, and that features read themselves. */
async function readDigest(
  path: string,
  { what, bytesMax }: TextFile,
  digest: NonNullable<TextFile['digest']>,
  host: ConfigurationHost,
): Promise<FileReading> {
  const result = await host.readFile(path, bytesMax);
  if (!result.ok) return { ok: false, error: await explainUnreadable(path, result.why, bytesMax, what, host) };
  const { buffer, byteOffset, byteLength } = result.content;
  const digested = await digest(Buffer.from(buffer, byteOffset, byteLength), basename(path));
  if (!digested.ok) return { ok: false, error: digested.failure };
  return { ok: true, text: digested.value, isOpen: false };
}

/** Why a file cannot be read. */
interface Unreadable extends ErrorDetail {
  /** The YAML files where it was looked for, three at most; absent: it is there. */
  readonly yamlBeside?: readonly string[];
}

type TextReading =
  | Extract<FileReading, { ok: true }>
  | { readonly ok: false; readonly why?: string; readonly error: Unreadable };

async function readText(path: string, { what, bytesMax }: TextFile, host: ConfigurationHost): Promise<TextReading> {
  const result = await host.readFile(path, bytesMax);
  if (!result.ok)
    return { ok: false, why: result.why, error: await explainUnreadable(path, result.why, bytesMax, what, host) };
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

/** Whether a program that the configuration names can be executed. */

const executable: FileReading = { ok: true, text: '', isOpen: false };

/** `path`: absolute, or a name that is looked for in the folders of PATH. */
async function lookForProgram(path: string, environment: Environment, host: ConfigurationHost): Promise<FileReading> {
  if (host.whyNotExecutable === undefined) return executable;
  if (!path.includes('/')) return lookInPath(path, environment, host);
  const errno = await host.whyNotExecutable(path);
  if (errno === null) return executable;
  return { ok: false, error: { message: sentence(path, errno), suggestion: await suggestion(path, errno, host) } };
}

async function lookInPath(name: string, environment: Environment, host: ConfigurationHost): Promise<FileReading> {
  for (const folder of (environment['PATH'] ?? '').split(delimiter))
    if (folder !== '' && (await host.whyNotExecutable?.(join(folder, name))) === null) return executable;
  return {
    ok: false,
    error: { message: `no folder of PATH has a program ${quoted(name)}`, suggestion: 'write its path from the root' },
  };
}

/** `to: logger` has no place for a path. */
async function lookForLogger(environment: Environment, host: ConfigurationHost): Promise<FileReading> {
  const found = await lookForProgram('logger', environment, host);
  const step =
    'install it: util-linux (bsdutils) and BusyBox have it; or name another receiver, such as udp://HOST:514';
  return found.ok ? found : impossible(found.error.message, step);
}

async function lookForSocket(path: string, host: ConfigurationHost): Promise<FileReading> {
  const read = await host.readFile(path, 0);
  return !read.ok && (read.why === 'ENOENT' || read.why === 'ENOTDIR')
    ? impossible(`there is no socket ${path}, so no syslogd runs here`, 'start one; lines wait for it, up to 4 MiB')
    : possible;
}

function sentence(path: string, errno: string): string {
  const name = quoted(basename(path));
  switch (errno) {
    case 'ENOENT':
    case 'ENOTDIR':
      return `there is no program ${name} in ${quoted(dirname(path))}`;
    case 'EISDIR':
      return `${name} is a folder, not a program`;
    case 'EACCES':
      return `${name} may not be executed by this user`;
    default:
      return `${name} cannot be executed (${errno})`;
  }
}

async function suggestion(path: string, errno: string, host: ConfigurationHost): Promise<string | null> {
  if (errno === 'EACCES') return `chmod +x ${path}, and let this user enter the folders above it`;
  if (errno === 'EISDIR') return 'name the file in it';
  const names = await host.listDirectory(dirname(path));
  return names === null ? 'name a program that is there' : suggestNearest(basename(path), names);
}

/** Whether a path can be a folder that the gateway makes or uses, or a file that it follows. */

const possible: FileReading = { ok: true, text: '', isOpen: false };

/** 'written_folder': the gateway makes it if it is missing. */
async function lookForFolder(
  path: string,
  kind: 'written_folder' | 'folder',
  host: ConfigurationHost,
): Promise<FileReading> {
  const read = await host.readFile(path, 0);
  const step = `write the path of a folder${kind === 'written_folder' ? '; it is made if there is none' : ''}`;
  if (!read.ok && read.why === 'ENOTDIR') return impossible(`a part of ${quoted(dirname(path))} is a file`, step);
  const isFile = read.ok || read.why === 'EFBIG';
  return isFile ? impossible(`${quoted(basename(path))} is a file, and no folder`, step) : possible;
}

/** A folder whose files are served. */
async function lookForServed(path: string, host: ConfigurationHost): Promise<FileReading> {
  const found = await lookForFolder(path, 'folder', host);
  if (!found.ok) return found;
  const read = await host.readFile(path, 0);
  if (read.ok || read.why === 'EISDIR') return possible;
  const why =
    read.why === 'ENOENT' ? `there is no folder ${quoted(path)}` : `${quoted(path)} cannot be read (${read.why})`;
  const step =
    read.why === 'ENOENT' ? 'make it, or correct the path' : 'let this user read it, and enter the folders above it';
  return impossible(`${why}: requests for its files fail`, step);
}

/** A file may come later. */
async function lookForFile(path: string, host: ConfigurationHost): Promise<FileReading> {
  const read = await host.readFile(path, 0);
  return !read.ok && read.why === 'EISDIR'
    ? impossible(`${quoted(basename(path))} is a folder, not a file`, 'name the file in it')
    : possible;
}

function impossible(message: string, suggestion: string): FileReading {
  return { ok: false, error: { message, suggestion } };
}
