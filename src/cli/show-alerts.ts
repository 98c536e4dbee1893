import { apiRoot } from '../admin/operations.ts';
import type { AlertTargetStatus, AlertTestResult } from '../core/schemas/alerts.ts';
import { camelCased } from '#failures/json-case.ts';
import { alertTargetLines } from './incident-lines.ts';
import { askAdmin, targetText } from './admin-client.ts';
import type { AskFlags } from './flags.ts';
import { askGateway, refusal, unreachable } from './ask-gateway.ts';
import { CommandFailure, exitCodes } from './command-failure.ts';
import { findAdmin } from './find-admin.ts';
import { harmless, wrap, wrapAfter, printJson } from './layout.ts';
import type { ProcessContext } from './process-context.ts';
import { statusMark, type Style, styleFor } from './style.ts';

/** Longer than any target may take, but for a command with a long `timeout`. */
const testMs = 120_000;

/** `candor alert list`. Returns the exit code: 1 if a target fails. */
export async function listAlerts(flags: AskFlags, context: ProcessContext): Promise<number> {
  const target = await findAdmin(flags, context);
  const answer = await askGateway(target, 'GET', `${apiRoot}/alerts`, context);
  if (answer.status !== 200) throw refusal(answer);
  const { targets } = camelCased(answer.body) as { targets: readonly AlertTargetStatus[] };
  if (flags.json) printJson(answer.body, context);
  else {
    const style = styleFor(context.stdout, context.env);
    const lines = alertTargetLines(targets, context.clock.wallTime(), style);
    context.stdout.write(`${(lines.length === 0 ? wrap(noTargets, '') : lines).join('\n')}\n`);
  }
  return targets.some(({ failure }) => failure !== null) ? exitCodes.failure : exitCodes.ok;
}

const noTargets = 'No target: the configuration has no `alerts`, so that no one is told of incidents.';

/** `candor alert test`. Returns the exit code: 1 if a target did not accept it. */
export async function testAlerts(flags: AskFlags, name: string | null, context: ProcessContext): Promise<number> {
  const target = await findAdmin(flags, context, 'act');
  const query = name === null ? '' : `?target=${encodeURIComponent(name)}`;
  const slow = { answerMs: testMs, onLine: () => {} };
  const answer = await askAdmin(target, 'POST', `${apiRoot}/alerts/test${query}`, context.clock, slow);
  if (!answer.ok) throw unreachable(targetText(target), answer);
  if (answer.status === 404) throw new CommandFailure('not_found', refusal(answer).message);
  if (answer.status === 409) throw new CommandFailure('refused', refusal(answer).message);
  if (answer.status !== 200) throw refusal(answer);
  const { results } = camelCased(answer.body) as { results: readonly AlertTestResult[] };
  if (flags.json) printJson(answer.body, context);
  else {
    const style = styleFor(context.stdout, context.env);
    context.stdout.write(`${results.map((result) => resultLines(result, style).join('\n')).join('\n\n')}\n`);
  }
  return results.every(({ ok }) => ok) ? exitCodes.ok : exitCodes.failure;
}

function resultLines(
  { target, type, ok, reason, nextStep, exchange, tookMs }: AlertTestResult,
  style: Style,
): string[] {
  const head = `${style.bold(harmless(target))} (${type}): ${ok ? 'accepted' : 'not accepted'} after ${tookMs} ms: ${harmless(reason)}`;
  return [
    ...wrapAfter(statusMark(ok ? 'good' : 'bad', style), head, 2),
    ...(nextStep === null ? [] : wrap(harmless(nextStep), '  ')),
    '',
    ...exchange.flatMap((line) => wrapAfter(`  ${line.slice(0, 1)}`, harmless(line.slice(2)), 4).map(style.dim)),
  ];
}
