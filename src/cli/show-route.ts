import { apiRoot } from '../admin/operations.ts';
import { explainRoute, loadPatternsOf } from '../control/explain-route.ts';
import { readRouteQuestion, type RouteQuestion, type WrittenRequest } from '../control/route-question.ts';
import { camelCased, snakeCased, snakeKey } from '#failures/json-case.ts';
import type { FlatSettings } from '../features/feature-words.ts';
import type { AskFlags } from './flags.ts';
import { askGateway, refusal } from './ask-gateway.ts';
import { CommandFailure, exitCodes } from './command-failure.ts';
import { errorsIn } from './configuration-read.ts';
import { findAdmin } from './find-admin.ts';
import { durationText, harmless, wrap, wrapAfter, printJson } from './layout.ts';
import type { ProcessContext } from './process-context.ts';
import { type Style, styleFor } from './style.ts';
import type { RouteExplanation } from '../core/schemas/traffic.ts';

export interface RouteFlags extends AskFlags {
  readonly header?: readonly string[];
  readonly client?: string;
  readonly listener?: string;
}

/** Earlier routes that are shown; `--json` has up to 200. */
const passedMax = 20;

/** `candor route [METHOD] URL`. Returns the exit code: 9 if no route matches. */
export async function showRoute(flags: RouteFlags, given: readonly string[], context: ProcessContext): Promise<number> {
  const [url = '', method = 'GET'] = given.toReversed();
  const { client = null, listener = null } = flags;
  const request = { client, listener, method: method.toUpperCase(), url: withScheme(url), headers: flags.header ?? [] };
  const question = readRouteQuestion(request);
  if (!question.ok) throw new CommandFailure('usage', question.problem);
  const found =
    flags.config === undefined
      ? await askRunning(request, flags, context)
      : await explainBy(flags.config, question.value, context);
  if (flags.json) printJson(snakeCased(found), context);
  else context.stdout.write(`${routeLines(found, styleFor(context.stdout, context.env)).join('\n')}\n`);
  return found.route === null ? exitCodes.not_found : exitCodes.ok;
}

async function explainBy(file: string, question: RouteQuestion, context: ProcessContext): Promise<RouteExplanation> {
  const configuration = await configurationOf(file, context);
  await loadPatternsOf(configuration);
  return explainRoute(question, configuration);
}

/** Few routes ask for the scheme, which people leave out. */
function withScheme(url: string): string {
  return /^[a-z]+:\/\//i.test(url) || url.startsWith('/') ? url : `http://${url}`;
}

async function askRunning(request: WrittenRequest, flags: RouteFlags, context: ProcessContext) {
  const target = await findAdmin(flags, context);
  const { method, url, headers, client, listener } = request;
  const query = new URLSearchParams([['method', method], ['url', url], ...headers.map((line) => ['header', line])]);
  if (client != null) query.set('client', client);
  if (listener != null) query.set('listener', listener);
  const answer = await askGateway(target, 'GET', `${apiRoot}/route?${query.toString()}`, context);
  if (answer.status !== 200) throw refusal(answer);
  return camelCased(answer.body) as RouteExplanation;
}

async function configurationOf(file: string, context: ProcessContext) {
  const { readConfiguration } = await import('./read-configuration.ts');
  const { configuration, errors } = await readConfiguration(file, context);
  if (configuration === null) throw errorsIn(file, errors);
  return configuration;
}

function routeLines(found: RouteExplanation, style: Style): string[] {
  const { route, upstream, action, candidates, reason, overlay } = found;
  const matched = candidates.find(({ matches }) => matches);
  const to = upstream === null ? `answers by itself (${action})` : `upstream ${upstream}`;
  const head = route === null ? [style.bad(reason)] : [`${style.bold(`route ${harmless(route)}`)} → ${harmless(to)}`];
  return [
    ...head,
    ...(matched === undefined ? [] : labelled('matches', matched.reason)),
    ...overlay.flatMap((text) => labelled('operators', text)),
    ...settingLines('answers', found.answer),
    ...settingLines('rewrites', found.rewrite),
    ...settingLines('timeouts', found.timeouts as FlatSettings | null),
    ...settingLines('retries', found.retry),
    ...settingLines('headers', found.headers),
    ...settingLines('access', found.access),
    ...settingLines('limits', found.limits),
    ...settingLines('programs', found.programs),
    ...passedLines(candidates, style),
  ];
}

function passedLines(candidates: RouteExplanation['candidates'], style: Style): string[] {
  const passed = candidates.filter(({ matches }) => !matches);
  if (passed.length === 0) return [];
  const left = passed.length - passedMax;
  return [
    '',
    style.bold('ROUTES BEFORE IT'),
    ...(left > 0 ? wrap(`${left} more before these: --json shows them.`, '  ').map(style.dim) : []),
    ...passed.slice(-passedMax).flatMap(({ route, reason }) => wrap(harmless(`${route}: ${reason}`), '  ')),
  ];
}

function settingLines(label: string, settings: FlatSettings | null): string[] {
  const parts = Object.entries(settings ?? {}).map(([key, value]) => settingText(key, value));
  return parts.length === 0 ? [] : labelled(label, parts.join(', '));
}

/** `responseHeadMs: 30000` is `response_head 30.00 s`. */
function settingText(key: string, value: FlatSettings[string]): string {
  const name = snakeKey(key).replace(/_(?:ms|bytes)$/, '');
  if (value === null || value === '') return `${name} none`;
  if (typeof value === 'number' && key.endsWith('Ms')) return `${name} ${durationText(value)}`;
  if (typeof value === 'number' && key.endsWith('Bytes'))
    return `${name} ${value % 1024 === 0 ? `${value / 1024} KiB` : `${value} B`}`;
  return `${name} ${typeof value === 'boolean' ? (value ? 'yes' : 'no') : value}`;
}

function labelled(label: string, text: string): string[] {
  return wrapAfter(`  ${label}`, harmless(text), 13);
}
