import { createHash } from 'node:crypto';
import { relative, resolve } from 'node:path';
import type { ConfigurationError } from '../config/configuration-errors.ts';
import { thisHost } from '../config/host.ts';
import { type Loading, loadConfiguration } from '../config/load.ts';
import type { LeftOpen } from '../config/parse.ts';
import type { ShownText } from '../config/shown-text.ts';
import type { ShownConfiguration } from '../core/kept-configuration.ts';
import {
  type ConfigurationAsked,
  configurationErrorLine,
  type ConfigurationRead,
  missingStep,
  type ReadContext,
  type ServedRead,
  inputName,
  readInput,
} from './configuration-read.ts';

const nothingOpen: LeftOpen = { log: false, state: false, socket: false };

/** Reads a file, or standard input where `file` is '-'. */
export async function readConfiguration(file: string, context: ReadContext): Promise<ConfigurationRead> {
  const { readable, shownText, isMissing, ...read } = await readWhole(file, context);
  return read;
}

/** As `readConfiguration`, with what people may see of it. */
export async function readToServe(file: string, context: ReadContext): Promise<ServedRead> {
  const { readable, shownText, ...read } = await readWhole(file, context);
  const warnings = read.errors.filter(({ severity }) => severity === 'warning').map(configurationErrorLine);
  return { ...read, shown: { ...shownOf(shownText()), warnings } };
}

/** Values that are not shown leave the reader as digests, and in the text that the state folder keeps. */
export function shownOf({ text, original, unshown }: ShownText): Omit<ShownConfiguration, 'warnings'> {
  const digestOf = (value: string): string => createHash('sha256').update(value).digest('hex');
  return { text, original, unshown: unshown?.map(({ key, value }) => ({ key, digest: digestOf(value) })) ?? null };
}

/** As `readConfiguration`, with what can be read of a file with errors. */
export async function readAsked(file: string, context: ReadContext): Promise<ConfigurationAsked> {
  const { shownText, isMissing, ...read } = await readWhole(file, context);
  return read;
}

function relativeIn(folder: string, path: string): string {
  const shown = relative(folder, path);
  return shown.startsWith('..') ? path : shown;
}

type WholeRead = ConfigurationAsked & Pick<Loading, 'shownText'> & Pick<ServedRead, 'isMissing'>;

async function readWhole(file: string, context: ReadContext): Promise<WholeRead> {
  const isInput = file === inputName;
  const path = resolve(context.directory, file);
  const host = thisHost();
  const readFile: typeof host.readFile = (one, bytesMax) =>
    isInput && one === path ? readInput(bytesMax) : host.readFile(one, bytesMax);
  const loading = await loadConfiguration(path, context.env, { ...host, readFile }, context.clock.wallTime());
  const name = isInput ? 'standard input' : relativeIn(context.directory, path);
  // The name as the user gave it: people know the file by that name, and editors open it by that name too.
  const named = (errors: readonly ConfigurationError[]): ConfigurationError[] =>
    errors.map((one) => ({ ...one, file: one.file === path ? name : relativeIn(context.directory, one.file) }));
  const { maskedText, shownText } = loading;
  const found = loading.ok ? loading.warnings : loading.errors;
  const read = { path: isInput ? null : path, text: found.length === 0 ? '' : maskedText(), shownText };
  if (!loading.ok) {
    const { readable, errors, yamlBeside } = loading;
    const isMissing = yamlBeside !== undefined;
    const steps = errors.map((one) =>
      isMissing && one.suggestion === null ? { ...one, suggestion: missingStep(yamlBeside) } : one,
    );
    return { configuration: null, readable, errors: named(steps), leftOpen: nothingOpen, isMissing, ...read };
  }
  const { configuration, warnings, leftOpen } = loading;
  return { configuration, readable: null, errors: named(warnings), leftOpen, isMissing: false, ...read };
}
