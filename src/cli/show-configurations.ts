import { loadPatterns } from '../core/pattern.ts';
import type { ConfigurationJson, ConfigurationSummaryJson } from '../core/schemas/configurations.ts';
import { apiRoot } from '../admin/operations.ts';
import { type ConfigurationDifference, differenceOf } from '../core/configuration-difference.ts';
import type { DiffLine } from '../core/line-diff.ts';
import type { AskFlags } from './flags.ts';
import { askGateway, type GatewayResponse, refusal } from './ask-gateway.ts';
import { CommandFailure, exitCodes } from './command-failure.ts';
import { findAdmin } from './find-admin.ts';
import { countText, harmless, wrap, wrapAfter, printJson } from './layout.ts';
import type { ProcessContext } from './process-context.ts';
import { statusMark, type StatusTone, type Style, styleFor } from './style.ts';
import { dirname } from 'node:path';
import type { FilledText } from '../config/with-defaults.ts';

/** Errors, warnings and changes of each in a list. */
const linesMax = 3;

/** A text of so many characters is filled in within a second: one of ten upstreams with ten routes. */
const quickLength = 1000;

/** `candor configuration list` */
export async function listConfigurations(flags: AskFlags, context: ProcessContext): Promise<void> {
  const { configurations } = await ask<{ configurations: readonly ConfigurationSummaryJson[] }>(
    'configurations',
    flags,
    context,
  );
  if (flags.json) return printJson({ configurations }, context);
  const style = styleFor(context.stdout, context.env);
  const lines = configurations.flatMap((one) => summaryLines(one, style));
  context.stdout.write(`${(lines.length === 0 ? ['No configuration is kept.'] : lines).join('\n')}\n`);
}

/** `candor configuration show [NUMBER]`: the text on standard output, so that it can be saved, and the rest on standard error. */
export async function showConfiguration(flags: AskFlags, id: number | null, context: ProcessContext): Promise<void> {
  const one = await ask<ConfigurationJson>(pathOf(id), flags, context);
  if (flags.json) return printJson(one, context);
  const lines = summaryLines(one, styleFor(context.stderr, context.env), Infinity);
  context.stderr.write(`${[...lines, ...(one.text === null ? ['It has no text.'] : [])].join('\n')}\n`);
  if (one.text !== null) context.stdout.write(harmlessLines(one.text).join('\n'));
}

/** `candor configuration show --effective`: the file with all defaults on standard output, so that it can be saved. With `--json` settings by their names in JSON. */
export async function showEffective(flags: AskFlags, context: ProcessContext): Promise<void> {
  const { effective = null, ...one } = await ask<ConfigurationJson>('configuration?effective=true', flags, context);
  if (effective === null) throw new CommandFailure('failure', 'This gateway is of a version that does not say it.');
  if (flags.json) return printJson({ ...one, effective }, context);
  const say = (...lines: readonly string[]): void => context.stderr.write(`${lines.join('\n')}\n`);
  say(...summaryLines(one, styleFor(context.stderr, context.env), Infinity));
  if ((one.text?.length ?? 0) > quickLength)
    say('Filling in the defaults of a file of this size may take some seconds.');
  const { text, problem, hidden } = await effectiveText({ ...one, effective }, context);
  const note = `Without its defaults: ${problem}.`;
  if (problem !== null) say(...wrap(harmless(note), ''));
  const head = hiddenHead(hidden, one.source);
  say(...head);
  context.stdout.write(harmlessText([...head.map((line) => `# ${line}`), text].join('\n')));
}

/** Such a file is whole only with these values, and whoever saves it must see that in it. */
function hiddenHead(hidden: readonly string[], source: string | null): string[] {
  if (hidden.length === 0) return [];
  const from = source === null ? 'where the gateway was started' : `in ${source}`;
  const count = countText(hidden.length, 'value');
  const first = `This is no whole configuration: ${count} stand${hidden.length === 1 ? 's' : ''} here as ***. Put them back before it is used; they are ${from}:`;
  return [first, ...hidden.map((key) => `  ${key}`)].map(harmless);
}

/** `candor configuration diff FROM [TO]`. Returns the exit code: 1 if they differ. */
export async function diffConfigurations(
  flags: AskFlags,
  from: number,
  to: number | null,
  context: ProcessContext,
): Promise<number> {
  const before = await ask<ConfigurationJson>(pathOf(from), flags, context);
  const after = await ask<ConfigurationJson>(pathOf(to), flags, context);
  const difference = differenceOf({ ...before, text: textOf(before) }, { ...after, text: textOf(after) });
  const { lines, unshown, note, isEqual } = difference;
  if (flags.json) printJson({ from: before.id, to: after.id, lines, unshown, note }, context);
  else context.stdout.write(`${differenceLines(before.id, after.id, difference, context).join('\n')}\n`);
  return isEqual ? exitCodes.ok : exitCodes.failure;
}

function differenceLines(
  from: number,
  to: number,
  { lines, unshown, note }: ConfigurationDifference,
  context: ProcessContext,
): string[] {
  const style = styleFor(context.stdout, context.env);
  const titles = [`--- configuration ${from}`, `+++ configuration ${to}`];
  const shown = lines.map((line) => diffLine(line, style));
  const text =
    lines.length === 0 ? [`The texts of configurations ${from} and ${to} are equal.`] : [...titles, ...shown];
  const values = ['Values that the texts do not show differ:', ...unshown.map((key) => `  ${harmless(key)}`)];
  return [...text, ...(unshown.length === 0 ? [] : values), ...(note === null ? [] : wrap(note, ''))];
}

/** `active`: with all its settings. */
export const askConfiguration = (
  id: number | 'active',
  flags: AskFlags,
  context: ProcessContext,
): Promise<ConfigurationJson> => ask(id === 'active' ? 'configuration?effective=true' : pathOf(id), flags, context);

function pathOf(id: number | null): string {
  return id === null ? 'configuration' : `configurations/${id}`;
}

async function ask<T>(path: string, flags: AskFlags, context: ProcessContext): Promise<T> {
  const target = await findAdmin(flags, context);
  const answer: GatewayResponse = await askGateway(target, 'GET', `${apiRoot}/${path}`, context);
  if (answer.status === 404) throw new CommandFailure('not_found', refusal(answer).message);
  if (answer.status !== 200) throw refusal(answer);
  return answer.body as T;
}

function textOf({ id, text }: ConfigurationJson): string {
  if (text !== null) return text;
  throw new CommandFailure('not_found', `Configuration ${id} has no text: it did not come from a file.`);
}

const tones: Readonly<Record<ConfigurationSummaryJson['state'], StatusTone>> = {
  active: 'good',
  earlier: 'dim',
  refused: 'bad',
};

function summaryLines(one: ConfigurationSummaryJson, style: Style, max = linesMax): string[] {
  const { id, state, at, actor, times, last_at: lastAt, last_actor: lastActor, revision } = one;
  const again = times === 1 ? '' : `; ${times} times, the last ${timeText(lastAt)} by ${lastActor}`;
  const shownRevision = revision === null ? '' : `, revision ${revision}`;
  const head = `${state}${shownRevision}, ${timeText(at)} by ${actor}${again}`;
  const details =
    state === 'refused' ? one.errors : [...one.changed, ...one.warnings.map((text) => `warning: ${text}`)];
  const left = details.length - max;
  return [
    ...wrapAfter(`${statusMark(tones[state], style)} ${style.bold(String(id))}`, harmless(head), 7),
    ...details.slice(0, max).flatMap((text) => wrap(harmless(text), ' '.repeat(7))),
    ...(left > 0 ? [style.dim(`       and ${left} more`)] : []),
  ];
}

function timeText(at: string): string {
  return `${at.slice(0, 19).replace('T', ' ')}Z`;
}

function diffLine({ kind, text }: DiffLine, style: Style): string {
  const [line = ''] = harmlessLines(text);
  if (kind === 'added') return style.good(`+${line}`);
  if (kind === 'removed') return style.bad(`-${line}`);
  return kind === 'same' ? ` ${line}` : style.name(line);
}

function harmlessLines(text: string): string[] {
  return text.split('\n').map((line) => line.split('\t').map(harmless).join('\t'));
}

type Shown = Pick<ConfigurationJson, 'text' | 'source' | 'effective'>;

/** What a gateway runs as a file, with all defaults: keys and units are those of candor.yaml, secrets are `"***"`. */
async function effectiveText(shown: Shown, context: ProcessContext): Promise<FilledText> {
  const { source } = shown;
  const text = shown.text ?? textOfCommand(shown);
  const parts = {
    ...{ file: source ?? 'candor.yaml', directory: source === null ? context.directory : dirname(source) },
    ...{ hostname: 'gateway', environment: {}, readings: new Map<never, never>() },
  };
  const [{ withDefaults }] = await Promise.all([import('../config/with-defaults.ts'), loadPatterns()]);
  return withDefaults(text, parts);
}

interface CommandSettings {
  readonly listeners?: readonly { readonly id: string; readonly host: string; readonly port: number }[];
  readonly applications?: readonly {
    readonly id: string;
    readonly command: readonly string[];
    readonly directory: string;
    readonly port: number | null;
    readonly readiness: { readonly path: string };
  }[];
}

/** The file that stands for `candor run`, which has none. */
function textOfCommand({ effective }: Shown): string {
  const { listeners = [], applications = [] } = (effective ?? {}) as CommandSettings;
  // JSON is YAML.
  return JSON.stringify({
    listeners: Object.fromEntries(listeners.map(({ id, host, port }) => [id, `${hostOf(host)}:${port}`])),
    applications: Object.fromEntries(
      applications.map(({ id, command, directory, port, readiness: { path } }) => [
        id,
        { command, directory, readiness: path, ...(port === null ? {} : { port }) },
      ]),
    ),
    disclosure: 'operator',
    ...{ state: 'none', log: { path: 'none' } },
  });
}

function hostOf(host: string): string {
  return host.includes(':') ? `[${host}]` : host;
}

/** Lines without what a terminal would obey. */
function harmlessText(text: string): string {
  return text.split('\n').map(harmless).join('\n');
}
