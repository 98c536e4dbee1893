import { basename, resolve } from 'node:path';
import type { Configuration } from '../core/configuration.ts';
import { build, stateFolderOf } from './build.ts';
import { ErrorCollector } from './error-collector.ts';
import { type ConfigurationError, sortErrors } from './configuration-errors.ts';
import { readDraft } from './draft.ts';
import type { Environment, Fill } from './expand.ts';
import { ownSocketPathError } from './format/address.ts';
import { MaskedSource, type HiddenText, mask, maskOfPair, type SourceReading } from './masked-source.ts';
import { inTheirFiles, sourceParts } from './included-files.ts';
import { readDocument } from './read-document.ts';
import type { IncludeError } from './tree-reader.ts';
import { type ReadableParts, readableParts } from './readable-parts.ts';
import { review } from './review.ts';
import { reviewServedFolders } from './review-served-folders.ts';
import { reviewLocalAuthority, reviewTls } from './review-tls.ts';
import { type ShownText, shownText } from './shown-text.ts';
import { withoutHidden } from './without-hidden.ts';
import { type FileReading, type WantedFile, reviewFiles, wantedFiles } from './wanted-files.ts';
import { isSecretName } from '../redact/secret-name.ts';
import { plainForm } from './hide-unread.ts';

export interface ParseContext {
  /** The file's name as it stands in errors. */
  readonly file: string;
  /** Absolute: the folder that relative paths begin at. */
  readonly directory: string;
  readonly environment: Environment;
  readonly hostname: string;
  /** That this process may use; absent: one. */
  readonly cores?: number;
  /** Of this machine; without them only loopback is known to be it. */
  readonly addresses?: readonly string[];
  /** What was read of the files that the text names, by absolute path. Those that are absent are not judged. */
  readonly readings?: ReadonlyMap<string, FileReading>;
  /** Why files that the text includes are not part of it, by what it says of them. */
  readonly includeErrors?: ReadonlyMap<string, IncludeError> | undefined;
  /** Milliseconds since the Unix epoch; without it, certificates are not asked whether they are valid now. */
  readonly wallTime?: number | null;
  /** Errors and warnings are compared, and shown nowhere: what they must hide need not be looked for. */
  readonly isForComparison?: boolean;
}

/** Which places the file leaves to this program. */
export interface LeftOpen {
  readonly log: boolean;
  readonly state: boolean;
  readonly socket: boolean;
}

export type Parsing =
  | {
      readonly ok: true;
      readonly configuration: Configuration;
      readonly warnings: readonly ConfigurationError[];
      readonly leftOpen: LeftOpen;
      readonly maskedText: () => string;
      readonly shownText: () => ShownText;
      readonly wanted: readonly WantedFile[];
    }
  | {
      readonly ok: false;
      readonly readable: ReadableParts;
      readonly errors: readonly ConfigurationError[];
      /** Without secrets, for messages: each character keeps its line and column. */
      readonly maskedText: () => string;
      /** Without secrets, as YAML. */
      readonly shownText: () => ShownText;
      readonly wanted: readonly WantedFile[];
    };

/**
 * Text into a configuration, or everything that is wrong with it at once, in the order of the file. Reads and
 * asks nothing beside its arguments, and never throws, whatever the text.
 */
export function parseConfiguration(text: string, context: ParseContext): Parsing {
  const sourceText = text.replace(/^\ufeff/, '');
  const readings = context.readings ?? new Map<string, FileReading>();
  const parts = sourceParts(sourceText);
  const document = readDocument(sourceText, context.file, context.environment, {
    parts,
    unread: context.includeErrors,
  });
  const { readable: value, positions } = document;
  const reading = { source: sourceText, value, positions, isBroken: document.value === undefined };
  let known: MaskedSource | null = null;
  const masked = (): MaskedSource => (known ??= new MaskedSource(reading));
  const texts = { maskedText: () => masked().asterisks, shownText: () => shownText(reading, masked().text) };
  const sorted = (errors: readonly ConfigurationError[]): readonly ConfigurationError[] =>
    errors.length === 0 || context.isForComparison === true
      ? errors
      : inTheirFiles(
          sortErrors(withoutHidden(errors, [...masked().hidden(), ...variableTexts(reading, masked().text)])),
          parts,
        );
  const failed = (errors: readonly ConfigurationError[], wanted: readonly WantedFile[]): Parsing => {
    const readable = readableParts(value, positions, { ...context, readings, positions }, document.value !== undefined);
    return { ok: false, readable, errors: sorted(errors), ...texts, wanted };
  };
  if (document.value === undefined) return failed(document.errors, []);
  const collector = new ErrorCollector(context.file, document.positions, parts);
  const draft = readDraft(document.value, document.positions, collector);
  if (typeof document.value === 'object' && !Array.isArray(document.value)) {
    // References that could not be resolved leave holes which only look like missing keys.
    review(draft, collector, context.addresses ?? []);
  }
  const wanted = wantedFiles(draft, context.directory, stateFolderOf(draft.plain.state, context));
  reviewFiles(wanted, readings, collector);
  reviewLocalAuthority(draft, wanted, readings, collector);
  reviewTls(draft, { directory: context.directory, readings, wallTime: context.wallTime ?? null, collector });
  const errors = [...document.errors, ...collector.errors];
  if (errors.some(({ severity }) => severity === 'error')) return failed(errors, wanted);
  const configuration = build(draft, { ...context, readings, positions: document.positions });
  const { socket } = configuration.admin;
  const tooLong = socket === null ? null : ownSocketPathError(socket);
  if (tooLong !== null) collector.addDetail(['admin', 'socket'], tooLong);
  else if (socket === null && draft.plain.admin?.socket === undefined) {
    collector.warnAtKey(
      [],
      'every usual place of the admin socket has too long a path, so that there is none',
      'add admin: { socket: /run/candor.sock }',
    );
  }
  const files = [basename(context.file), ...parts.map(({ include }) => include)];
  const own = [...files.map((file) => resolve(context.directory, file)), configuration.log.path];
  reviewServedFolders(wanted, own, collector);
  if (collector.errors.some(({ severity }) => severity === 'error'))
    return failed([...document.errors, ...collector.errors], wanted);
  const { plain } = draft;
  const leftOpen = {
    log: plain.log?.path === undefined,
    state: plain.state === undefined,
    socket: plain.admin?.socket === undefined,
  };
  const warnings = sorted([...document.errors, ...collector.errors]);
  return { ok: true, configuration, warnings, leftOpen, ...texts, wanted };
}

/** What variables gave: no message has it, since the file has not. */

/** The texts that a message says by the name of their variable: `${DB_HOST}`. `masked`: the source without what is hidden of it. */
function variableTexts({ positions }: SourceReading, masked: string): readonly HiddenText[] {
  const found: HiddenText[] = [];
  for (const { key, start, end, expanded, fills } of positions.scalars()) {
    const unshown = fills.filter((fill) => !isShown(fill));
    const [first] = unshown;
    if (expanded === null || first === undefined) continue;
    const written = masked
      .slice(start, end)
      .replace(/^(["'])(.*)\1$/s, '$2')
      .replace(maskRun, '***');
    const one = { key, isKey: false, isElsewhere: false };
    // A value that sticks to what stands beside its reference is no word of its own.
    const known = new Set([...fills.map(({ value }) => value), ...wordsOf(written)]);
    const joined = wordsOf(expanded).filter((word) => !known.has(word));
    if (joined.length > 0) found.push({ ...one, texts: joined, instead: first.reference });
    found.push({ ...one, texts: formsOf(expanded), instead: written, isWhole: true });
    for (const { reference, value } of unshown)
      found.push({ ...one, texts: formsOf(value), instead: reference, isElsewhere: masked.includes(value) });
  }
  return found;
}

/** A number or a short word that has to be known to be mended, of a variable that has no secret. */
function isShown({ name, value }: Fill): boolean {
  return value === '' || (!isSecretName(name) && (plainForm.test(value) || shortForm.test(value)));
}

const maskRun = new RegExp(`[${mask}${maskOfPair}]+`, 'g');

const shortForm = /^(?:-?\d{1,15}|[A-Za-z]{1,12})$/;

/** A sentence about a number says it without zeros at its begin. */
function formsOf(text: string): string[] {
  return /^-?\d+$/.test(text) ? [text, String(Number(text))] : [text];
}

function wordsOf(text: string): string[] {
  return text.split(/[^\w-]+/).filter((word) => word.length > 3);
}
