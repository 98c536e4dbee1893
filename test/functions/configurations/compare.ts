import type { Applications } from './applications.ts';
import { type ComparedRequest, type ConfigurationCase, linesOf } from './cases.ts';
import { runSide, type SeenAnswer, type SideRun, startProgram, type StartSide } from './run-side.ts';

export interface ComparedCase {
  readonly name: string;
  readonly what: string;
  readonly from: string;
  readonly lines: { readonly peer: number; readonly candor: number };
  readonly answers: readonly ComparedAnswer[];
}

interface ComparedAnswer {
  readonly request: string;
  readonly peer: string;
  readonly candor: string;
  readonly isSame: boolean;
  /** Why it is different where that is meant. */
  readonly differs: string | null;
}

/** Runs both gateways of a case, one after the other, with the same requests. */
export async function compareCase(
  of: ConfigurationCase,
  applications: Applications,
  startCandor: StartSide = startProgram,
): Promise<ComparedCase> {
  const peer = await runSide(of.peer, of, applications);
  const candor = await runSide('candor', of, applications, startCandor);
  const answers = of.requests.map((asked, index) =>
    compareAnswers(asked, peer.answers[index]!, candor.answers[index]!),
  );
  const { name, what, from, text } = of;
  const lines = { peer: linesOf(text), candor: linesOf(of.candor ?? '') };
  return { name, what, from, lines, answers: of.log === null ? answers : [...answers, compareLogs(peer, candor)] };
}

function compareAnswers(asked: ComparedRequest, peer: SeenAnswer, candor: SeenAnswer): ComparedAnswer {
  const [one, other] = [shown(asked, peer), shown(asked, candor)];
  const isSame = one === other && peer.status === asked.status;
  const request = `${asked.method ?? 'GET'} ${asked.host ?? ''}${asked.path}`;
  return { request, peer: one, candor: other, isSame, differs: asked.differs ?? null };
}

/** What is compared of an answer. Redirects within a site may be written with its name or without. */
function shown(
  { compare = 'all', host = 'example.org' }: ComparedRequest,
  { status, headers, body }: SeenAnswer,
): string {
  if (compare === 'status') return String(status);
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${plainValue(name, value, host)}`);
  return [status, ...lines, ...(compare === 'head' ? [] : [body])].join('\n');
}

function plainValue(name: string, value: string, host: string): string {
  // The attributes of a cookie have no order.
  if (name === 'set-cookie') return value.split('; ').toSorted().join('; ');
  // What is not asked for with a password is public without the word.
  if (name === 'cache-control') return value.replace('public, ', '');
  if (name === 'location') return value.replace(new RegExp(`^http://${host}(?::\\d+)?/`), '/');
  // Names of types and their parameters are written in either case; JavaScript has two names.
  if (name === 'content-type')
    return value
      .toLowerCase()
      .replace('application/javascript', 'text/javascript')
      .replace(/; ?charset=utf-8$/, '');
  return value;
}

/** Times, and sizes with the heads of answers, are not the same. */
function compareLogs(peer: SideRun, candor: SideRun): ComparedAnswer {
  const [one, other] = [peer, candor].map(({ lines }) =>
    lines.map((line) => line.replace(/\[[^\]]+\]/, '[time]').replace(/(" \d{3}) \d+ /, '$1 size ')).join('\n'),
  ) as [string, string];
  return { request: 'the access log', peer: one, candor: other, isSame: one === other && one !== '', differs: null };
}

/** Whether an answer is the same, or different for a reason. */
export function isExplained({ isSame, differs }: ComparedAnswer): boolean {
  return isSame || differs !== null;
}
