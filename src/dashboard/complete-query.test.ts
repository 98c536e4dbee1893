import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { conditionText } from '../core/exchange-query.ts';
import { acceptCompletion, completeQuery, routeIdsOf } from './complete-query.ts';

const names = { upstream: ['api', 'shop', 'api shop'], route: ['/cart', '/'] };

describe('completion of a query', () => {
  const cases: readonly (readonly [text: string, options: readonly string[]])[] = [
    ['st', ['status:', 'stage:', 'stream:']],
    ['-st', ['-status:', '-stage:', '-stream:']],
    ['status:5xx ro', ['route:']],
    ['upstream:a', ['upstream:api', 'upstream:"api shop"']],
    ['-upstream:sh', ['-upstream:shop', '-upstream:"api shop"']],
    ['shape:un', ['shape:unreachable']],
    ['route:/c', ['route:/cart']],
    ['upstream:shop', ['upstream:"api shop"']],
    ['', []],
    ['"some ro', []],
    ['nothing:x', []],
  ];
  for (const [text, options] of cases)
    test(text === '' ? 'nothing' : text, () =>
      assert.deepEqual(completeQuery(text, text.length, names).options, options),
    );

  test('completes the term in which the cursor stands, and keeps the others', () => {
    const text = 'ups status:5xx';
    const completion = completeQuery(text, 3, names);
    assert.deepEqual(completion, { from: 0, to: 3, options: ['upstream:'], key: null });
    assert.deepEqual(acceptCompletion(text, completion, 'upstream:'), { text: 'upstream: status:5xx', cursor: 9 });
  });

  test('a value is followed by a space', () => {
    const completion = completeQuery('shape:res', 9, names);
    assert.deepEqual(acceptCompletion('shape:res', completion, 'shape:reset'), { text: 'shape:reset ', cursor: 12 });
  });
});

test('the key of a value that is begun is told, also where no value is known', () => {
  assert.equal(completeQuery('status:5xx -route:pa', 20, {}).key, 'route');
  assert.equal(completeQuery('status:5xx rou', 14, {}).key, null);
});

test('routes are read from all settings', () => {
  assert.deepEqual(routeIdsOf({ routes: [{ id: 'shop', to: null }, { id: '/cart' }, null, 'x', {}] }), [
    'shop',
    '/cart',
  ]);
  assert.deepEqual(routeIdsOf({}), []);
});

test('a value with a space is quoted', () => {
  assert.equal(conditionText('route', 'a b'), 'route:"a b"');
});
