import type { Snapshot } from '../core/snapshot.ts';
import type { ListenProblem, OpenListener } from '../core/worker-messages.ts';
import type { ApplyResult } from './apply-result.ts';
import type { WorkerHandle } from './worker-handle.ts';

/** The part of a worker that the two phases use. */
export type SnapshotWorker = Pick<WorkerHandle, 'state' | 'loaded' | 'prepare' | 'activate' | 'discard'>;

/** A snapshot that every worker has prepared and none has activated. */
interface PreparedSnapshot {
  readonly ok: true;
  readonly workers: readonly SnapshotWorker[];
  /** With the ports that the system chose. */
  readonly listeners: readonly OpenListener[];
  readonly revision: number;
}

/**
 * The first of two phases: every worker opens new listeners of a snapshot and holds connections there. The first worker goes
 * ahead, so that the others can join a port that the system chose. If one worker cannot, all of them close what they opened, and
 * nothing has changed.
 */
export async function prepareAll(
  workers: readonly SnapshotWorker[],
  snapshot: Snapshot,
): Promise<PreparedSnapshot | Extract<ApplyResult, { ok: false }>> {
  // A retiring worker need not prepare the snapshot; it may be gone, and `lost`, before it answers.
  const leaving = new Set(workers.filter(({ state }) => state === 'retiring'));
  // Before anything is held: a new worker takes a second to load.
  await Promise.all(workers.map(({ loaded }) => loaded));
  const [first, ...others] = workers;
  if (first === undefined) return { ok: false, workersUnavailable: true, why: 'there is no worker' };
  const leading = await first.prepare(snapshot);
  if (!leading.ok) {
    first.discard(snapshot.revision);
    return leading;
  }
  const { listeners } = leading;
  const joined = withPorts(snapshot, listeners);
  // New workers come last: as soon as they open ports that the others have open, they share the connections.
  for (const isNew of [false, true]) {
    const group = others.filter(({ state }) => (state === 'starting') === isNew);
    const answers = await Promise.all(
      group.map(async (worker) => ({ answer: await worker.prepare(joined), counts: !leaving.has(worker) })),
    );
    const refused = answers.flatMap(({ answer, counts }) => (!answer.ok && counts ? [answer] : []));
    if (refused.length === 0) continue;
    discardAll(workers, snapshot.revision);
    return joinedRefusals(refused);
  }
  return { ok: true, workers, listeners, revision: snapshot.revision };
}

/** The second phase. The snapshot is active once one worker has activated it; a worker that is lost meanwhile is replaced. */
export async function activateAll({ workers, listeners, revision }: PreparedSnapshot): Promise<ApplyResult> {
  const answers = await Promise.all(workers.map((worker) => worker.activate(revision)));
  if (answers.some(({ ok }) => ok)) return { ok: true, listeners };
  return answers[0] ?? { ok: true, listeners };
}

export function discardAll(workers: readonly SnapshotWorker[], revision: number): void {
  for (const worker of workers) worker.discard(revision);
}

function withPorts(snapshot: Snapshot, open: readonly OpenListener[]): Snapshot {
  const listeners = snapshot.listeners.map((spec, index) => ({ ...spec, port: open[index]?.port ?? spec.port }));
  return { ...snapshot, listeners };
}

/** A loss outweighs problems; the same problem of several workers is one. */
function joinedRefusals(refused: readonly ApplyResult[]): Extract<ApplyResult, { ok: false }> {
  const problems = new Map<string, ListenProblem>();
  for (const answer of refused) {
    if (answer.ok) continue;
    if (answer.workersUnavailable) return answer;
    for (const problem of answer.problems) problems.set(`${problem.listener} ${problem.errno}`, problem);
  }
  return { ok: false, workersUnavailable: false, problems: [...problems.values()] };
}
