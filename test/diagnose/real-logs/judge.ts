import type { Diagnose, Said } from '../corpus-claim.ts';
import { isInnocent, listOf } from '../corpus.ts';
import type { PlayedCase } from './play.ts';
import { clarityOf } from './unclear-cases.ts';

/** The share of what logs can show, and of what they cannot, that must be judged correctly. */
export const claimedShare = 0.98;

export interface JudgedCase {
  readonly played: PlayedCase;
  readonly said: Said | null;
  /** Null if the act is not judged for this log, because the gateway took it for something else. */
  readonly right: boolean | null;
  /** Whether the log can show it. */
  readonly told: boolean;
}

export function judge(played: PlayedCase, { explain }: Diagnose): JudgedCase {
  const { logFormat } = played.log;
  const { lines } = explain(played.lines.join('\n'), logFormat === undefined ? {} : { logFormat });
  const said = rootOf(lines);
  const says = clarityOf(played.log.name, played.failureCase.id);
  return { played, said, right: isRight(played, said), told: says === null || says === 'shape' };
}

/** The first line with a failure that is no consequence; else an unknown one; else one without a failure. */
function rootOf(lines: readonly (Said | null)[]): Said | null {
  const said = lines.filter((line) => line !== null);
  const roots = said.filter(({ isConsequence }) => isConsequence !== true);
  return (
    roots.find(({ shape }) => shape !== 'none' && shape !== 'unknown') ??
    said.find(({ shape }) => shape === 'unknown') ??
    said.find(({ shape }) => shape !== 'none') ??
    said[0] ??
    null
  );
}

function isRight({ failureCase, log, lines }: PlayedCase, said: Said | null): boolean | null {
  const says = clarityOf(log.name, failureCase.id);
  const isInnocentAct = listOf(failureCase.shape).every(isInnocent);
  // An error log has no lines about successful requests.
  if (lines.length === 0) return says === 'fine' || isInnocentAct ? null : false;
  if (said === null) return false;
  const shapeRight = listOf<string>(failureCase.shape).includes(said.shape);
  const typeRight = listOf<string | null>(failureCase.type).includes(said.type);
  if (says === 'unknown') return said.shape === 'unknown';
  if (says === 'fine') return said.shape === 'none';
  if (says === 'either') return said.shape === 'unknown' || shapeRight;
  if (says === 'shape') return shapeRight;
  return says === 'else' ? null : shapeRight && typeRight;
}

/** For people: the verdict and the truth. */
export function failureText({ played, said }: JudgedCase): string {
  const { failureCase, log, lines } = played;
  const right = `${listOf(failureCase.shape).join(' or ')}, ${listOf(failureCase.type).join(' or ') || 'null'}`;
  const untold = clarityOf(log.name, failureCase.id);
  const heard = said === null ? 'nothing' : `${said.shape}, ${said.type}`;
  const text = lines.map((line) => `\n    ${line.slice(0, 400)}`).join('');
  return `${log.name}, ${failureCase.id}: said ${heard}; it is ${right}${untold === null ? '' : ` (the log says: ${untold})`}${text}`;
}
