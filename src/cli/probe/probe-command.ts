import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { type Layer, layerNames } from '#explain/whose/layer.ts';
import { whose } from '#explain/whose/whose.ts';
import { probe } from '../../probe/probe.ts';
import { limitsFor, type ProbedResponse } from '../../probe/probe-ports.ts';
import type { ResponseAuthor } from '../../probe/probe-report.ts';
import { systemRandom } from '../../system/system.ts';
import { printJson } from '../ask-commands.ts';
import { CommandFailure } from '../command-failure.ts';
import { exitCodes } from '../exit-codes.ts';
import type { ProcessContext } from '../process-context.ts';
import { redactedResult } from '../redacted-output.ts';
import { styleFor } from '../style.ts';
import { readVersion } from '../version.ts';
import type { ProbeFlags } from './probe-flags.ts';
import { findProcess } from './probe-process.ts';
import { ProbeProgress } from './probe-progress.ts';
import { probeLines } from './probe-text.ts';

/** Probes a URL, directly and through a gateway, and prints which layer fails. Returns 1 if one does. */
export async function probeTarget(flags: ProbeFlags, target: URL, context: ProcessContext): Promise<number> {
  const progress = new ProbeProgress(context);
  const found = await probe(
    {
      target,
      via: flags.via === undefined ? null : pathOf(flags.via, target),
      host: flags.host ?? null,
      requests: flags.requests,
      allowsWrite: flags.write,
      http2: flags.http2,
      nameServers: flags.nameServer === undefined ? [] : [flags.nameServer],
      tls: { verify: !flags.insecure, ca: authoritiesOf(flags, context) },
      userAgent: `candor-probe/${readVersion()}`,
      limits: limitsFor(flags.timeout * 1000),
    },
    {
      clock: context.clock,
      random: systemRandom,
      authorOf,
      // The failure that is made of it names the code.
      onUnclassified: () => undefined,
      onStep: (step) => progress.show(step),
    },
  );
  progress.clear();
  const report = redactedResult({ ...found, process: findProcess(found.direct, context.machine.platform) });
  if (flags.json) printJson(report, context);
  else context.stdout.write(`${probeLines(report, styleFor(context.stdout, context.env)).join('\n')}\n`);
  return report.verdict.works ? exitCodes.ok : exitCodes.failure;
}

/** A gateway's URL without a path gets that of the target. */
function pathOf(via: URL, target: URL): URL {
  if (via.pathname !== '/' || via.search !== '') return via;
  const url = new URL(via);
  url.pathname = target.pathname;
  url.search = target.search;
  return url;
}

function authoritiesOf({ caFile }: ProbeFlags, context: ProcessContext): string | null {
  if (caFile === undefined) return null;
  try {
    return readFileSync(resolve(context.directory, caFile), 'utf8');
  } catch (error) {
    throw new CommandFailure('usage', `${caFile} cannot be read: ${(error as Error).message}`);
  }
}

/** Null where the response does not show who wrote it. */
function authorOf(response: ProbedResponse): ResponseAuthor | null {
  const { author, confidence, sentence } = whose(response);
  if (author === 'unknown' || confidence === 'unsure') return null;
  return { layer: author, isGateway: author !== 'application', sentence: sentence || `${nameOf(author)} wrote it.` };
}

function nameOf(layer: Layer): string {
  return layerNames[layer];
}
