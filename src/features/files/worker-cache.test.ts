import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { FilterContext } from '../../core/filter.ts';
import { PairHeaders } from '../../core/pair-headers.ts';
import { SimulatedClock } from '../../testing/simulated-clock.ts';
import { FileCache, type FoundFile } from './worker-cache.ts';

const found = { path: 'a', coding: null } as unknown as FoundFile;

function asked(path: string, encoding = ''): FilterContext {
  return {
    rewrittenPath: path,
    request: { headers: new PairHeaders([['accept-encoding', encoding]]) },
  } as unknown as FilterContext;
}

describe('small files in memory', () => {
  it('are sent for a second, and then read again', () => {
    const clock = new SimulatedClock();
    const cache = new FileCache(false, clock);
    cache.add(asked('/a'), found, Buffer.from('a'));
    clock.advanceSync(999);
    assert.equal(cache.find(asked('/a'))?.bytes.toString(), 'a');
    clock.advanceSync(1);
    assert.equal(cache.find(asked('/a')), null);
  });

  it('are told apart by what the client takes, where files are encoded', () => {
    const cache = new FileCache(true, new SimulatedClock());
    cache.add(asked('/a', 'br'), found, Buffer.from('a'));
    assert.equal(cache.find(asked('/a', 'gzip')), null);
    assert.notEqual(cache.find(asked('/a', 'br')), null);
  });

  it('take 8 MiB at most, whatever clients ask for', () => {
    const cache = new FileCache(false, new SimulatedClock());
    const bytes = Buffer.alloc(128 * 1024);
    for (let at = 0; at < 100; at++) cache.add(asked(`/${at}`), found, bytes);
    const kept = Array.from({ length: 100 }, (_, at) => at).filter((at) => cache.find(asked(`/${at}`)) !== null);
    assert.ok(kept.length < 64 && kept.includes(99) && !kept.includes(0), `${kept.length}`);
    cache.add(asked(`/${'x'.repeat(600)}`), found, bytes);
    assert.equal(cache.find(asked(`/${'x'.repeat(600)}`)), null);
  });

  it('are never those that stand for another page', () => {
    const cache = new FileCache(false, new SimulatedClock());
    cache.add(asked('/a'), { ...found, fallback: 'by_path' }, Buffer.from('a'));
    assert.equal(cache.find(asked('/a')), null);
  });
});
