import { statusOfJson } from '../gateway-lookup.ts';
import { apiRoot } from '../../admin/operations.ts';
import type { UpgradeStep } from '../../admin/upgrader.ts';
import { askAdmin, type AdminTarget, targetText } from '../admin-client.ts';
import type { AskFlags } from '../flags.ts';
import { askGateway, type GatewayResponse, refusal, unreachable } from '../ask-gateway.ts';
import { findAdminToChange } from '../find-admin.ts';
import { wrap, wrapAfter, harmlessJson } from '../layout.ts';
import type { ProcessContext } from '../process-context.ts';
import { CommandFailure } from '../command-failure.ts';
import type { UpgradeLine } from '../../core/schemas/answers.ts';

export interface UpgradeFlags extends AskFlags {
  /** Seconds. */
  readonly timeout: number;
}

/** Time beyond the limit that the gateway may need to end a new process that does not end by itself. */
const endMs = 15_000;

/**
 * Asks a gateway to replace itself by a new process of the installed version, and prints the progress. Output for programs
 * always ends with an outcome, even if the gateway sends none.
 */
export async function upgrade(flags: UpgradeFlags, context: ProcessContext): Promise<void> {
  let hasOutcome = false;
  const tellLine = (line: UpgradeLine): void => {
    hasOutcome ||= 'outcome' in line;
    printUpgradeLine(line, flags, context);
  };
  try {
    await ask(flags, context, tellLine);
  } catch (error) {
    if (flags.json && !hasOutcome && error instanceof CommandFailure) {
      const { exit: kind, message: reason, errors } = error;
      context.stdout.write(`${harmlessJson({ outcome: 'failed', kind, reason, errors })}\n`);
    }
    throw error;
  }
}

async function ask(flags: UpgradeFlags, context: ProcessContext, tellLine: (line: UpgradeLine) => void): Promise<void> {
  const target = await findAdminToChange(flags, context);
  const path = `${apiRoot}/upgrade?timeout=${flags.timeout}`;
  const answer = await askAdmin(target, 'POST', path, context.clock, {
    answerMs: flags.timeout * 1000 + endMs,
    onLine: (line) => tellLine(line as UpgradeLine),
  });
  if (!answer.ok) throw unreachable(targetText(target), answer);
  if (answer.status === 409) throw new CommandFailure('refused', refusal(answer).message);
  if (answer.status !== 200) throw refusal(answer);
  const last = answer.body as UpgradeLine | null;
  if (last === null || !('outcome' in last))
    throw new CommandFailure('failure', 'The gateway closed the connection during its response.');
  if (last.outcome === 'failed') throw failureOf(last);
  if (!flags.json) context.stdout.write(`${await successorText(target, last.pid, context)}\n`);
}

function printUpgradeLine(line: UpgradeLine, { json }: UpgradeFlags, context: ProcessContext): void {
  if (json) context.stdout.write(`${harmlessJson(line)}\n`);
  else if ('step' in line) context.stderr.write(`${stepText(line.step, line.pid)}\n`);
}

/** Columns of the longest step, and two spaces. */
const stepWidth = 23;

/** A step of the upgrade, on lines that fit a terminal. */
export function stepText(step: UpgradeStep, pid: number): string {
  const lines = wrapAfter(step.replaceAll('_', ' '), stepWords[step](pid), stepWidth);
  return lines.map((line) => line.trimEnd()).join('\n');
}

const stepWords: Readonly<Record<UpgradeStep, (pid: number) => string>> = {
  starting: (pid) => `process ${pid}`,
  reading_configuration: () => '',
  listening: () => '',
  ready: () => '',
  draining: () => 'the old process accepts no new connections and finishes requests in flight',
};

function failureOf({ kind, reason, errors }: Extract<UpgradeLine, { outcome: 'failed' }>): CommandFailure {
  // The sentence contains the first error.
  const listed = errors.length > 1 ? errors.map((one) => `  ${one}`) : [];
  if (kind === 'stopping') return new CommandFailure('failure', [reason, ...listed].join('\n'), errors);
  const lines = [reason, ...listed, 'The old process continues.'];
  return new CommandFailure(kind, lines.join('\n'), errors);
}

/** The new process answers at the same socket, unless its configuration moved the socket. */
async function successorText(target: AdminTarget, pid: number, context: ProcessContext): Promise<string> {
  const answer: GatewayResponse | null = await askGateway(target, 'GET', `${apiRoot}/status`, context).catch(
    () => null,
  );
  const status = answer?.status === 200 ? statusOfJson(answer.body) : null;
  const version = status !== null && status.pid === pid ? `, candor ${status.version}` : '';
  return wrap(`Upgraded: process ${pid}${version} serves.`, '').join('\n');
}
