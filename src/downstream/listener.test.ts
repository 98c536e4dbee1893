import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from '../../test/properties.ts';
import type { ClientConnection, OpenConnection } from '../core/client-engine.ts';
import { OpenConnections } from './listener.ts';

class QuietConnection implements ClientConnection {
  listed: OpenConnection | null = null;
  readonly isLingering = false;
  readonly number: number;

  constructor(number: number) {
    this.number = number;
  }

  closeToMakeRoom(): boolean {
    return false;
  }
  announceClose(): void {}
  closeIdle(): boolean {
    return true;
  }
  endTunnels(): void {}
  forceClose(): boolean {
    return true;
  }
}

type Step = { readonly does: 'add' } | { readonly does: 'replace' | 'remove'; readonly which: number };

const step: fc.Arbitrary<Step> = fc.oneof(
  fc.constant({ does: 'add' } as const),
  fc.record({ does: fc.constantFrom('replace', 'remove', 'remove'), which: fc.nat() }),
);

describe('the open connections of a listener', () => {
  it('are listed in the order in which they were accepted, each with its permit', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const open = new OpenConnections();
        let model: { readonly connection: QuietConnection; readonly permit: string }[] = [];
        steps.forEach((one, number) => {
          const connection = new QuietConnection(number);
          const chosen = one.does === 'add' ? undefined : model[one.which % Math.max(1, model.length)];
          if (one.does === 'add') {
            open.add(connection, `permit ${number}`, false);
            model.push({ connection, permit: `permit ${number}` });
          } else if (chosen !== undefined && one.does === 'replace') {
            open.replace(chosen.connection, connection);
            model = model.map((entry) => (entry === chosen ? { ...entry, connection } : entry));
            assert.equal(chosen.connection.listed, null);
          } else if (chosen !== undefined) {
            assert.equal(open.remove(chosen.connection)?.permit, chosen.permit);
            model = model.filter((entry) => entry !== chosen);
          }
          assert.equal(open.size, model.length);
          assert.deepEqual(
            [...open],
            model.map((entry) => entry.connection),
          );
        });
      }),
    );
  });

  it('may be removed while they are visited', () => {
    const open = new OpenConnections();
    const all = [0, 1, 2, 3].map((number) => new QuietConnection(number));
    for (const connection of all) open.add(connection, null, false);
    const visited: ClientConnection[] = [];
    for (const connection of open) {
      visited.push(connection);
      open.remove(connection);
    }
    assert.deepEqual(visited, all);
    assert.equal(open.size, 0);
  });

  it('do not refer to each other any more once they are removed, so that an old one keeps no memory of a new one', () => {
    const open = new OpenConnections();
    const [first, second, third] = [0, 1, 2].map((number) => new QuietConnection(number)) as [
      QuietConnection,
      QuietConnection,
      QuietConnection,
    ];
    for (const connection of [first, second, third]) open.add(connection, '', true);
    const entry = open.remove(second);
    assert.deepEqual([entry?.previous, entry?.next, second.listed, entry?.isRefused], [null, null, null, true]);
    assert.equal(open.remove(second), null, 'it is removed once');
    assert.deepEqual([...open], [first, third]);
  });
});
