import { printJson } from './layout.ts';
import { writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { planGroups } from '../testing/torture/stage.ts';
import { torture, type TortureObstacle, type TortureReport } from '../testing/torture/torture.ts';
import { type ExitName, exitCodes, CommandFailure } from './command-failure.ts';
import { styleFor } from './style.ts';
import type { ProcessContext } from './process-context.ts';
import { type ListenAddress, originListenDefault } from './flags.ts';
import { tortureHtml } from './torture-html.ts';
import { obstacleText, progressText, setupLines, tortureLines } from './torture-text.ts';
import { redactedResult, redactedText } from './redacted-output.ts';

export interface TortureFlags {
  readonly originListen?: ListenAddress;
  readonly only?: readonly string[];
  readonly timeout: number;
  readonly json: boolean;
  readonly html?: string;
  readonly caFile?: string;
  readonly setup: boolean;
  readonly insecure: boolean;
}

/** Tests a gateway with the torture suite and prints the matrix. Exits with 1 if an answer is misleading or worse. */
export async function tortureGateway(flags: TortureFlags, url: URL | null, context: ProcessContext): Promise<number> {
  if (flags.setup) {
    context.stdout.write(
      `${setupLines(planGroups(listenOf(flags)), styleFor(context.stdout, context.env)).join('\n')}\n`,
    );
    return exitCodes.ok;
  }
  if (url === null)
    throw new CommandFailure('usage', 'The URL of the gateway is missing: candor torture http://localhost:8080');
  const stopped = watchStop(context);
  const report = redactedResult(await runTorture(flags, url, context, stopped.isStopped));
  stopped.forget();
  if ('kind' in report) throw obstacle(report, flags, url);
  printReport(report, flags, context);
  if (!report.finished) return exitCodes.interrupted;
  return report.score.misleading + report.score.dangerous === 0 ? exitCodes.ok : exitCodes.failure;
}

function runTorture(
  flags: TortureFlags,
  url: URL,
  context: ProcessContext,
  isStopped: () => boolean,
): Promise<TortureReport | TortureObstacle> {
  const style = styleFor(context.stderr, context.env);
  return torture({
    gateway: { url, verify: !flags.insecure },
    listen: listenOf(flags),
    only: flags.only ?? [],
    timeoutMs: flags.timeout * 1000,
    clock: context.clock,
    isStopped,
    tls: flags.caFile !== undefined,
    ...(flags.caFile === undefined ? {} : { startMs: Math.max(flags.timeout * 1000, startMsMin) }),
    onStage: ({ groups, tls }) => {
      if (flags.caFile !== undefined && tls !== null)
        write(resolve(context.directory, flags.caFile), tls.authority.certificate);
      if (!flags.json) context.stderr.write(`${setupLines(groups, style).join('\n')}\n\n`);
    },
    onRun: (act, done, all) => {
      if (context.stderr.isTTY) context.stderr.write(progressText(act, done, all));
    },
  });
}

function printReport(report: TortureReport, flags: TortureFlags, context: ProcessContext): void {
  if (context.stderr.isTTY) context.stderr.write('\r\u001b[K');
  if (flags.html !== undefined) write(resolve(context.directory, flags.html), tortureHtml(report));
  if (flags.json) printJson(report, context);
  else context.stdout.write(`${tortureLines(report, styleFor(context.stdout, context.env)).join('\n')}\n`);
}

function write(path: string, text: string): void {
  try {
    writeFileSync(path, text);
  } catch (error) {
    throw new CommandFailure('failure', `${path} cannot be written: ${(error as Error).message}`);
  }
}

function listenOf({ originListen }: TortureFlags): ListenAddress {
  return originListen ?? originListenDefault;
}

function obstacle(found: TortureObstacle, flags: TortureFlags, url: URL): CommandFailure {
  return new CommandFailure(exitOf(found), redactedText(obstacleText(found, listenOf(flags), url)));
}

function exitOf({ kind }: TortureObstacle): ExitName {
  if (kind === 'no_such_case') return 'usage';
  if (kind === 'stopped') return 'interrupted';
  return kind === 'cannot_listen' ? 'failure' : 'gateway_unreachable';
}

/** The first signal lets the running exchange end and prints the report; the second force closes. */
function watchStop(context: ProcessContext): { isStopped: () => boolean; forget: () => void } {
  let stopped = false;
  const forget = context.onSignal('SIGINT', () => {
    if (stopped) context.exit(exitCodes.interrupted);
    stopped = true;
  });
  return { isStopped: () => stopped, forget };
}

/**
 * A gateway that must trust the test authority is started after its file exists. This is the time that a person may need for
 * that.
 */
const startMsMin = 60_000;
