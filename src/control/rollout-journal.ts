import type { ReleaseStore, WantedRelease } from '../deploy/release-store.ts';
import { ReleaseRefused } from '../deploy/release-refusal.ts';
import { comparingShare, isOver, type Rollout, shareOf } from '../deploy/rollout.ts';
import { judgementOf, type RunningRollout, type Watched } from './running-rollout.ts';

/** What runs now becomes the first release. Throws `ReleaseRefused`, as all here do. */
export async function writeFirstRelease(store: ReleaseStore, present: WantedRelease): Promise<void> {
  const made = await store.make({ kind: 'configuration', path: 'candor.yaml' }, present);
  if (!made.ok) throw new ReleaseRefused(made.failure);
  const rollout = store.history.nextRollout;
  const { number } = made.value.release;
  const { actor } = present;
  await store.append({ kind: 'began', rollout, from: null, to: number, strategy: 'blue_green', actor });
  await store.append({ kind: 'promoted', rollout, release: number });
  await store.append({ kind: 'ended', rollout, state: 'promoted', verdict: null, reason: 'it ran before' });
}

/** A release that was watched is compared again. Returns the number of the rollout. */
export async function writeSuspicion(store: ReleaseStore, { from, to, strategy }: Watched): Promise<number> {
  const rollout = store.history.nextRollout;
  await store.append({ kind: 'began', rollout, from: from.number, to: to.number, strategy, actor: 'gateway' });
  await store.append({ kind: 'step', rollout, state: 'comparing', share: comparingShare });
  return rollout;
}

/** The rollout goes on to `next`. */
export async function writeNext(store: ReleaseStore, running: RunningRollout, next: Rollout): Promise<void> {
  const { id: rollout, from, to, plan } = running;
  const inForce = store.history.inForce?.number;
  if (!isOver(next)) {
    await store.append({ kind: 'step', rollout, state: next.state, share: shareOf(next, plan) });
    if (next.state === 'baking' && inForce !== to.number)
      await store.append({ kind: 'promoted', rollout, release: to.number });
    return;
  }
  if (next.state !== 'promoted' && inForce !== from.number)
    await store.append({ kind: 'promoted', rollout, release: from.number });
  const verdict = judgementOf(running)?.verdict ?? null;
  await store.append({ kind: 'ended', rollout, state: next.state, verdict, reason: next.reason });
}

/** An earlier process has not ended its rollout: the release that is in force by the journal runs. */
export async function writeInterruption(store: ReleaseStore): Promise<void> {
  const { open, inForce } = store.history;
  if (open === null) return;
  // What is promoted is in force; its watch alone was cut short.
  const isPromoted = inForce?.number === open.to;
  const state = isPromoted ? 'promoted' : 'interrupted';
  const reason = isPromoted ? 'the gateway ended while it was watched' : 'the gateway ended before the rollout did';
  await store.append({ kind: 'ended', rollout: open.rollout, state, verdict: null, reason });
}
