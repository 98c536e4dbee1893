import {
  type ConfigurationError,
  countConfigurationErrors,
  renderConfigurationErrors,
} from '../config/configuration-errors.ts';
import { quoted } from '../schema/error-detail.ts';
import type { LeftOpen } from '../config/parse.ts';
import type { ReadableParts } from '../config/readable-parts.ts';
import type { Configuration } from '../core/configuration.ts';
import type { ShownConfiguration } from '../core/kept-configuration.ts';
import { CommandFailure } from './command-failure.ts';
import { columnsMax } from './layout.ts';
import { plain, styleFor } from './style.ts';
import type { Output, ProcessContext } from './process-context.ts';
import { read } from 'node:fs';
import type { FileContent } from '../config/host.ts';

/** A configuration file as it was read, with all its errors and warnings. */
export interface ConfigurationRead {
  /** Null if the configuration cannot be used. */
  readonly configuration: Configuration | null;
  readonly errors: readonly ConfigurationError[];
  /** Absolute; null for standard input. */
  readonly path: string | null;
  readonly leftOpen: LeftOpen;
  /** Without secrets, for its errors; empty where there are none. */
  readonly text: string;
}

/** As a gateway needs it that runs it. */
export interface ServedRead extends ConfigurationRead {
  /** The text as people may see it, and the warnings about it. */
  readonly shown: ShownConfiguration;
  /** The file is not there. A gateway that runs needs another step than a command that was to start one. */
  readonly isMissing: boolean;
}

/** As a command of an operator needs it: a file with errors still says where its gateway answers. */
export interface ConfigurationAsked extends ConfigurationRead {
  /** Null if the file has no errors, or cannot be read at all. */
  readonly readable: ReadableParts | null;
}

/** What reading a configuration needs of its process. */
export type ReadContext = Pick<ProcessContext, 'env' | 'directory' | 'clock'>;

/** All errors with line and caret, and how many they are. */
export function renderForPeople(read: ConfigurationRead, output: Output, context: ProcessContext): string {
  const colour = styleFor(output, context.env) !== plain;
  return `${renderConfigurationErrors(read.errors, read.text, { colour, width: columnsMax })}\n${countConfigurationErrors(read.errors)}\n`;
}

/** An error as one line. */
export function configurationErrorLine({ file, line, column, message, suggestion }: ConfigurationError): string {
  const position = line === 0 ? file : `${file}:${line}:${column}`;
  return `${position}: ${message}${suggestion === null ? '' : ` (${suggestion})`}`;
}

/** What people at a terminal can do where a configuration is not there, and `yaml` files are. */
export function missingStep(yaml: readonly string[]): string {
  if (yaml.length > 0) return `there is ${yaml.map(quoted).join(', ')}; name the right one with -c`;
  return 'write one, if only the line `upstreams: { app: "127.0.0.1:3000" }`, or name one with -c; `candor run -- node server.js` needs none';
}

/** Why a command cannot use the configuration `name`: each error is a line. */
export function errorsIn(name: string, errors: readonly ConfigurationError[]): CommandFailure {
  const lines = errors.filter(({ severity }) => severity === 'error').map(configurationErrorLine);
  return new CommandFailure(
    'validation_failed',
    [`${name} has errors:`, ...lines.map((line) => `  ${line}`)].join('\n'),
    lines,
  );
}

/** How a command line names standard input in place of a file. */
export const inputName = '-';

/** Reads standard input to its end. Throws `EFBIG` if it has more than `bytesMax`. */
export async function readInput(bytesMax: number): Promise<FileContent> {
  const content = Buffer.alloc(bytesMax + 1);
  let filled = 0;
  for (;;) {
    const next = await readSome(content, filled);
    if (typeof next === 'string') return { ok: false, why: next };
    filled += next;
    if (filled > bytesMax) return { ok: false, why: 'EFBIG' };
    if (next === 0) return { ok: true, content: content.subarray(0, filled) };
  }
}

/** Returns the number of bytes read, 0 at the end, or the errno. */
function readSome(content: Buffer, filled: number): Promise<number | string> {
  return new Promise((resolve) => {
    read(0, content, filled, content.length - filled, null, (error, bytes) =>
      resolve(error === null ? bytes : (error.code ?? 'EIO')),
    );
  });
}
