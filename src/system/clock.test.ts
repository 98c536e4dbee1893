import assert from 'node:assert/strict';
import { test } from 'node:test';
import { after } from '../core/time.ts';
import { systemClock } from './system.ts';

test('no timer fires before its time, also where the thread looks at its timers all the time', async () => {
  let [early, fired] = [0, 0];
  const timersMax = 3000;
  const start = (): void => {
    const at = after(systemClock.now(), 1 + (fired % 17) * 0.37);
    systemClock.schedule(
      at,
      (due) => {
        if (systemClock.now() < due) early++;
        if (++fired < timersMax) start();
      },
      at,
    );
  };
  for (let count = 0; count < 50; count++) start();
  await new Promise<void>((resolve) => {
    const spin = (): void => void (fired < timersMax ? setImmediate(spin) : resolve());
    spin();
  });
  assert.equal(early, 0, `${early} of ${fired}`);
});
