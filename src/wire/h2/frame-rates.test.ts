import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from '../../../test/properties.ts';
import { FrameRates } from './frame-rates.ts';
import { type FloodName, floodLimits, strainLimits } from './limits.ts';

const names = Object.keys(floodLimits) as FloodName[];

describe('frame rates', () => {
  for (const name of names) {
    const { burst, perS } = floodLimits[name];
    it(`admit ${burst} ${name} at once, and ${perS} a second afterwards`, () => {
      let now = 0;
      const rates = new FrameRates(() => now);
      for (let count = 0; count < burst; count++) assert.ok(rates.admits(name), `${count}`);
      assert.equal(rates.admits(name), false);
      // What was refused has been counted too.
      now = 2000 / perS;
      assert.equal(rates.admits(name), true);
      assert.equal(rates.admits(name), false);
      now += 4000;
      let count = 0;
      while (rates.admits(name)) count++;
      assert.equal(count, Math.min(burst, perS * 4 - 1));
      now = 1e9;
      for (let count = 0; count < burst; count++) assert.ok(rates.admits(name), `${count}`);
      assert.equal(rates.admits(name), false, 'a long silence saves no more than a burst');
    });
  }

  it('never admit more than the burst and the rate of the time', () => {
    fc.assert(
      fc.property(fc.constantFrom(...names), fc.array(fc.nat({ max: 300 }), { maxLength: 2000 }), (name, gaps) => {
        const { burst, perS } = floodLimits[name];
        let now = 5;
        const rates = new FrameRates(() => now);
        let admitted = 0;
        for (const gap of gaps) {
          now += gap;
          if (rates.admits(name)) admitted++;
        }
        // The clock is not asked while half of the burst is left: those were admitted before it began to run.
        assert.ok(admitted <= burst + (perS * (now - 5)) / 1000 + 1, `${admitted}`);
      }),
    );
  });

  it('strain a connection whose requests are refused, and do so no longer than its rate says', () => {
    const { burst, perS } = strainLimits.refusals;
    let now = 0;
    const rates = new FrameRates(() => now);
    for (let count = 0; count < burst / 2; count++) rates.admits('refusals');
    assert.equal(rates.strain, 'none');
    for (let count = 0; count < 1000; count++) rates.admits('refusals');
    assert.equal(rates.strain, 'costly');
    now += ((burst / 2 + 1) * 1000) / perS - 1;
    assert.equal(rates.strain, 'costly');
    now += 1;
    assert.equal(rates.strain, 'none', 'however many there were');
  });

  it('near a limit count more than what is costly', () => {
    const rates = new FrameRates(() => 0);
    for (let count = 0; count < 1000; count++) rates.admits('tiny_frames');
    for (let count = 0; count < 5; count++) rates.admits('tiny_frames');
    assert.equal(rates.strain, 'costly');
    while (rates.admits('pings'));
    assert.equal(rates.strain, 'near_limit');
  });

  it('count each kind by itself', () => {
    const rates = new FrameRates(() => 0);
    while (rates.admits('settings'));
    assert.ok(rates.admits('pings'));
  });

  it('admit what was allowed, up to the burst', () => {
    const rates = new FrameRates(() => 0);
    const { burst } = floodLimits.window_updates;
    for (let count = 0; count < burst; count++) rates.admits('window_updates');
    rates.allow('window_updates', 2);
    assert.ok(rates.admits('window_updates'));
    assert.ok(rates.admits('window_updates'));
    assert.equal(rates.admits('window_updates'), false);
    rates.allow('window_updates', 1e9);
    for (let count = 0; count < burst; count++) assert.ok(rates.admits('window_updates'), `${count}`);
    assert.equal(rates.admits('window_updates'), false);
  });

  for (const name of names)
    it(`are said to exceed ${name} when they are near for as long as a burst takes to be allowed again`, () => {
      const { burst, perS } = floodLimits[name];
      let now = 0;
      const rates = new FrameRates(() => now);
      const refillMs = (burst * 1000) / perS;
      assert.equal(rates.exceeded(refillMs), null);
      for (let count = 0; count < burst; count++) rates.admits(name);
      assert.deepEqual([rates.exceeded(refillMs - 1), rates.exceeded(refillMs)], [null, name]);
      now = refillMs / 2 + 1;
      assert.equal(rates.exceeded(1e9), null, 'one burst has been left behind');
    });

  for (const name of names)
    it(`are strained by more than half of the ${name}, until the time has made up for it`, () => {
      const { burst, perS } = floodLimits[name];
      let now = 0;
      const rates = new FrameRates(() => now);
      for (let count = 0; count < burst / 2; count++) {
        rates.admits(name);
        assert.equal(rates.strain, 'none', `${count}`);
      }
      for (let count = 0; count < 5; count++) rates.admits(name);
      assert.equal(rates.strain, 'near_limit');
      rates.admits('settings' === name ? 'pings' : 'settings');
      assert.equal(rates.strain, 'near_limit', 'whatever else comes');
      now = (8 * 1000) / perS;
      assert.equal(rates.strain, 'none');
    });
});
