import { open } from 'node:fs/promises';
import { basename, dirname, relative, resolve } from 'node:path';
import { adaptFile, kindNames, sourceBytesMax } from '../adapt/adapt-file.ts';
import { type AdaptedKind, type Conversion, NotConvertible, type SourceFile } from '../adapt/conversion.ts';
import { noteText, writeConfiguration } from '../adapt/write-configuration.ts';
import { type FileContent, namedPipe, thisHost } from '../config/host.ts';
import { CommandFailure } from './command-failure.ts';
import { commandName, type ProcessContext } from './process-context.ts';
import { inputName, readInput } from './configuration-read.ts';
import { countText, harmless, printJson, wrap } from './layout.ts';

export interface AdaptFlags {
  readonly json: boolean;
  readonly output?: string | undefined;
}

/** Prints or writes a configuration for what a file of another program starts. */
export async function adapt(
  kind: AdaptedKind,
  file: string,
  flags: AdaptFlags,
  context: ProcessContext,
): Promise<void> {
  const source = await readSource(file, flags.output, context);
  const result = await converted(kind, source, file);
  const text = writeConfiguration(result, titleOf(source.name, result));
  const { notes, secrets } = result;
  if (flags.output !== undefined) await writeNew(resolve(context.directory, flags.output), flags.output, text);
  if (flags.json) {
    const listed = notes.map(({ line, kind: what, text: said, application }) => ({
      line: line === 0 ? null : line,
      kind: what,
      text: said,
      application,
    }));
    printJson({ file, kind, configuration: text, notes: listed, secrets }, context);
    return;
  }
  if (flags.output === undefined) context.stdout.write(text);
  context.stderr.write(`${summaryOf(result, file, flags.output, context).join('\n')}\n`);
}

async function converted(kind: AdaptedKind, source: SourceFile, file: string): Promise<Conversion> {
  try {
    return await adaptFile(kind, source);
  } catch (error) {
    if (!(error instanceof NotConvertible)) throw error;
    const at = error.line === 0 ? file : `${file}:${error.line}`;
    throw new CommandFailure(
      'validation_failed',
      `${harmless(at)} cannot be converted as ${kindNames[kind]}: ${error.message}`,
    );
  }
}

async function readSource(file: string, output: string | undefined, context: ProcessContext): Promise<SourceFile> {
  const host = thisHost();
  const path = resolve(context.directory, file);
  const isInput = file === inputName;
  const folder = isInput ? context.directory : dirname(path);
  const content = isInput ? await readInput(sourceBytesMax) : await host.readFile(path, sourceBytesMax);
  const target = output === undefined ? context.directory : dirname(resolve(context.directory, output));
  return {
    name: isInput ? 'standard input' : basename(path),
    text: textOf(content, isInput ? 'standard input' : file),
    folder: basename(folder),
    directory: relative(target, folder),
    beside: async (one) => {
      const found = await host.readFile(resolve(folder, one), sourceBytesMax);
      if (!found.ok) return null;
      try {
        return decoded(found.content);
      } catch {
        return null;
      }
    },
  };
}

function decoded(content: Uint8Array): string {
  return new TextDecoder('utf-8', { fatal: true }).decode(content);
}

function textOf(content: FileContent, file: string): string {
  if (!content.ok) {
    const why =
      {
        ENOENT: 'is not there',
        EACCES: 'may not be read by this user',
        EISDIR: 'is a folder: name the file in it',
        EFBIG: `has more than ${sourceBytesMax / 1024 / 1024} MiB: no person has written it`,
        [namedPipe]: 'is a named pipe: give its content to standard input, and "-" as the file',
      }[content.why] ?? `cannot be read (${content.why})`;
    throw new CommandFailure('usage', `${harmless(file)} ${why}.`);
  }
  try {
    return decoded(content.content);
  } catch {
    throw new CommandFailure('validation_failed', `${harmless(file)} is no text in UTF-8, and cannot be converted.`);
  }
}

/** An existing file is never replaced. */
async function writeNew(path: string, name: string, text: string): Promise<void> {
  try {
    await using file = await open(path, 'wx', 0o600);
    await file.writeFile(text);
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'EIO';
    if (code === 'EEXIST')
      throw new CommandFailure(
        'refused',
        `${harmless(name)} is there already, and was not changed: name another file.`,
      );
    throw new CommandFailure('failure', `${harmless(name)} cannot be written (${code}).`);
  }
}

function titleOf(name: string, { notes }: Conversion): string {
  const isPartial = notes.some(({ kind }) => kind === 'left_out');
  return ` Converted from ${harmless(name)} by \`candor adapt\`.${isPartial ? ' Read what was not converted.' : ''}`;
}

function summaryOf(
  result: Conversion,
  file: string,
  output: string | undefined,
  context: ProcessContext,
): readonly string[] {
  const candor = commandName(context.env);
  const { applications, notes, secrets } = result;
  const workers = [...applications.values()].reduce((sum, one) => sum + Object.keys(one.workers).length, 0);
  const jobs = [...applications.values()].reduce((sum, one) => sum + Object.keys(one.jobs).length, 0);
  const counts = [
    countText(applications.size, 'application'),
    ...(workers === 0 ? [] : [countText(workers, 'worker')]),
    ...(jobs === 0 ? [] : [countText(jobs, 'job')]),
    ...(result.dependencies.size === 0
      ? []
      : [`${result.dependencies.size} ${result.dependencies.size === 1 ? 'dependency' : 'dependencies'}`]),
  ];
  const list = (kind: 'left_out' | 'changed', title: string): string[] => {
    const found = notes.filter((one) => one.kind === kind);
    if (found.length === 0) return [];
    return [title, ...found.flatMap((one) => item(noteText(kind === 'left_out' ? { ...one, kind: 'changed' } : one)))];
  };
  return [
    `${harmless(file === inputName ? 'Standard input' : file)}: ${counts.join(', ')}${output === undefined ? '' : `, written to ${harmless(output)}`}.`,
    ...list('left_out', 'Not converted:'),
    ...list('changed', 'Otherwise than before:'),
    ...(secrets.length === 0 ? [] : ['Secrets were not copied. Set each of them:']),
    ...secrets.map(({ application, name }) => `  ${candor} secret set ${name} --application ${application}`),
    ...(output === undefined ? ['No file was written: -o candor.yaml writes one.'] : []),
    `Then: ${candor} check -c ${output === undefined ? 'candor.yaml' : harmless(output)}`,
  ];
}

function item(text: string): readonly string[] {
  const [first = '', ...rest] = wrap(text, '    ');
  return [`  ${first.trimStart()}`, ...rest];
}
