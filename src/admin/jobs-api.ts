import type { IncomingMessage, ServerResponse } from 'node:http';
import { snakeCased } from '#failures/json-case.ts';
import type { JobRunLine } from '../core/schemas/jobs.ts';
import { after, type Clock, type Timer } from '../core/time.ts';
import { jsonOf } from '../record/json-text.ts';
import type { AdminContext } from './admin-context.ts';
import { sendJson, sendProblem } from './answer.ts';
import { audited, doneAction, rejectedAction, type Requester } from './audit.ts';
import { acceptJsonBody } from './request-body.ts';

/** A connection that is silent for longer is closed, by the gateway and by what may lie between. */
const aliveEveryMs = 15_000;

/** What waits for a requester that does not read; lines beyond it are left out. The output is in the logs too. */
const waitingBytesMax = 1024 * 1024;

/** `GET /v1/jobs`, `GET /v1/jobs?job=shop.report` */
export function sendJobs(
  { searchParams }: URL,
  gateway: Pick<AdminContext['gateway'], 'jobs'>,
  response: ServerResponse,
): void {
  const wanted = searchParams.get('job');
  const all = gateway.jobs();
  const found = wanted === null ? all : all.filter(({ job }) => job === wanted);
  if (wanted !== null && found.length === 0) return sendProblem(response, 404, noSuchJob(wanted, all));
  sendJson(response, 200, snakeCased({ jobs: found }));
}

/** `POST /v1/jobs/run`: the answer goes on until the run has ended. A requester that leaves does not end it. */
export async function runJob(
  { gateway, clock, refusal }: Pick<AdminContext, 'gateway' | 'clock' | 'refusal'>,
  requester: Requester,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const body = await acceptJsonBody(request, response);
  if (body === null) return;
  const { jobRunRequestSchema } = await import('../core/schemas/jobs.ts');
  const read = jobRunRequestSchema.safeParse(body.value);
  if (!read.success) return sendProblem(response, 422, 'The body needs `job`, such as shop.report, and nothing else.');
  const { job } = read.data;
  const lines = new RunLines(response, clock);
  const started = await audited(
    gateway,
    { id: 'runJob', target: job },
    requester,
    async () => {
      const why = refusal();
      if (why !== null) return { status: 409, why };
      const begun = await gateway.runJob(job, requester.actor, (text) => lines.output(text));
      if (begun === null) return { status: 404, why: noSuchJob(job, gateway.jobs()) };
      return begun.ok ? begun : { status: 409, why: `${job} was not run: ${begun.why}.` };
    },
    (outcome) => ('why' in outcome ? { ...rejectedAction, why: outcome.why } : doneAction),
  );
  if ('why' in started) return sendProblem(response, started.status, started.why);
  const { run, ended } = started;
  lines.begin({ kind: 'started', job, run });
  const { code, signal, ms, failure } = await ended;
  lines.end({ kind: 'ended', job, run, code, signal, ms, failure });
}

function noSuchJob(wanted: string, all: readonly { readonly job: string }[]): string {
  const names = all.map(({ job }) => job);
  return `There is no job ${wanted}. ${names.length === 0 ? 'The configuration has none.' : `There are ${names.join(', ')}.`}`;
}

/** The lines of the answer. */
class RunLines {
  readonly #response: ServerResponse;
  readonly #clock: Clock;
  /** Output that came before the answer began. */
  #early: JobRunLine[] = [];
  #hasBegun = false;
  #leftOut = 0;
  #timer: Timer | null = null;

  constructor(response: ServerResponse, clock: Clock) {
    this.#response = response;
    this.#clock = clock;
  }

  begin(line: JobRunLine): void {
    this.#response.writeHead(200, { 'Content-Type': 'application/x-ndjson' });
    this.#hasBegun = true;
    for (const one of [line, ...this.#early]) this.#write(one);
    this.#early = [];
    this.#keepAlive();
  }

  output(text: string): void {
    if (!this.#hasBegun) this.#early.push({ kind: 'output', text });
    else if (this.#response.writableLength > waitingBytesMax) this.#leftOut += 1;
    else {
      this.#tellLeftOut();
      this.#write({ kind: 'output', text });
    }
  }

  end(line: JobRunLine): void {
    this.#timer?.cancel();
    this.#tellLeftOut();
    this.#write(line);
    this.#response.end();
  }

  #tellLeftOut(): void {
    if (this.#leftOut > 0) this.#write({ kind: 'left_out', lines: this.#leftOut });
    this.#leftOut = 0;
  }

  #keepAlive(): void {
    const next = after(this.#clock.now(), aliveEveryMs);
    this.#timer = this.#clock.schedule(
      next,
      (lines: RunLines) => {
        lines.#write({ kind: 'running' });
        lines.#keepAlive();
      },
      this as RunLines,
    );
  }

  #write(line: JobRunLine): void {
    if (!this.#response.destroyed) this.#response.write(`${jsonOf(line)}\n`);
  }
}
