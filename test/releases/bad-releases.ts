import { badAnswers } from './bad-answers.ts';
import { badOverTime } from './bad-over-time.ts';
import { badStarts } from './bad-starts.ts';
import type { Release } from './release-form.ts';

/** Releases that visitors suffer from: a deployment must not end with them. */
export const badReleases: readonly Release[] = [...badStarts, ...badAnswers, ...badOverTime];
