import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { type Layer, layerNames } from '#explain/whose/layer.ts';
import { whose } from '#explain/whose/whose.ts';
import { probe } from '../../probe/probe.ts';
import { limitsFor, type ProbedResponse } from '../../probe/probe-ports.ts';
import type { ResponseAuthor } from '../../probe/probe-report.ts';
import { systemRandom } from '../../system/system.ts';
import { CommandFailure, exitCodes } from '../command-failure.ts';
import { type ProcessContext, readVersion } from '../process-context.ts';
import { redactedResult } from '../redacted-output.ts';
import { styleFor } from '../style.ts';
import { findProcess, probeLines } from './probe-text.ts';
import { after, type Instant, type Timer } from '../../core/time.ts';
import { columnsMax, harmless, shorten, printJson } from '../layout.ts';

export interface ProbeFlags {
  readonly via?: URL;
  readonly host?: string;
  readonly requests: number;
  readonly timeout: number;
  readonly write: boolean;
  readonly http2: boolean;
  readonly nameServer?: string;
  readonly caFile?: string;
  readonly insecure: boolean;
  readonly json: boolean;
}

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

/** Shorter probes show no progress. */
const quietMs = 1000;

/** Shows on a terminal which step runs, once the probe takes longer than a second. */
class ProbeProgress {
  readonly #context: ProcessContext;
  readonly #begun: Instant;
  readonly #timer: Timer;
  #step = '';
  #isShown = false;
  #isOver = false;

  constructor(context: ProcessContext) {
    this.#context = context;
    this.#begun = context.clock.now();
    const { clock } = context;
    // A step may wait for its whole timeout, so that no other step would draw the line.
    this.#timer = clock.schedule(after(this.#begun, quietMs), () => this.#draw(), undefined);
  }

  show(step: string): void {
    this.#step = step;
    if (this.#context.clock.now() - this.#begun >= quietMs) this.#draw();
  }

  clear(): void {
    this.#isOver = true;
    this.#timer.cancel();
    if (this.#isShown) this.#context.stderr.write('\r\u001b[K');
  }

  #draw(): void {
    if (this.#isOver || !this.#context.stderr.isTTY) return;
    this.#isShown = true;
    this.#context.stderr.write(`\r\u001b[K${shorten(harmless(this.#step), columnsMax - 1)}`);
  }
}
