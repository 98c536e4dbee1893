import * as z from 'zod';
import { defaults } from './defaults.ts';
import { age, duration, path, sizeFrom, whole } from '../schema/leaves.ts';
import { key, section } from '../schema/section.ts';

/** `store`: where exchanges are stored for searches. */
export const store = z.union([
  z.literal('none'),
  section({
    path: key(path, 'The folder of its files, which no other program and no other gateway uses.', defaults.store.path),
    keep: key(
      section({
        age: key(age, 'How long an exchange is kept.', defaults.store.keepAge),
        size: key(
          sizeFrom({
            written: '16MiB',
            why: 'that is some 80,000 exchanges, in eight files of which the oldest is deleted',
          }),
          'How large all files may become; the oldest exchanges are deleted.',
          defaults.store.keepSize,
        ),
      }),
      'For how long exchanges are kept: until one of the limits is reached.',
    ),
    successes_per_second: key(
      whole(0, 100_000),
      'How many successes of each route are stored in a second; failures and slow exchanges are stored in any case.',
      defaults.store.successesPerSecond,
    ),
    slow: key(duration, 'An exchange that has taken as long is stored in any case.', defaults.store.slow),
  }),
]);

export type StoreRead = z.output<typeof store>;
