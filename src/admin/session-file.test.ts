import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, beforeEach, describe, test } from 'node:test';
import type { AdminToken } from '../core/configuration.ts';
import { SeededRandom } from '../testing/seeded-random.ts';
import { SimulatedClock } from '../testing/simulated-clock.ts';
import { SessionFile } from './session-file.ts';
import { Sessions } from './sessions.ts';

const hour = 3_600_000;
const deploy: AdminToken = { name: 'deploy', hash: `sha256:${'0'.repeat(64)}` };
const parent = mkdtempSync(join(tmpdir(), 'candor-session-file-'));
const folder = join(parent, 'state');
const path = join(folder, 'sessions.json');
const clock = new SimulatedClock();
let processes = 0;

/** A process whose state folder this is. */
function started(): Sessions {
  processes += 1;
  return new Sessions(clock, new SeededRandom(`process ${processes}`), new SessionFile(folder));
}

beforeEach(() => rmSync(folder, { recursive: true, force: true }));
after(() => rmSync(parent, { recursive: true, force: true }));

describe('a session that is kept in the state folder', () => {
  test('goes on in the next process, for the rest of its time', () => {
    const { secret, session } = started().open({ token: deploy, role: 'operate' });
    clock.advanceSync(5 * hour);
    const next = started();
    assert.equal(next.find(secret, [deploy])?.id, session.id);
    const ended: string[] = [];
    next.onEnd(({ id }) => ended.push(id));
    clock.advanceSync(7 * hour);
    assert.equal(next.find(secret, [deploy]), null);
    assert.deepEqual(ended, [session.id]);
  });

  test('ends with its token and with a new secret of it, also in the next process', () => {
    const { secret } = started().open({ token: deploy, role: 'operate' });
    const next = started();
    for (const tokens of [[], [{ ...deploy, hash: `sha256:${'1'.repeat(64)}` }]])
      assert.equal(next.find(secret, tokens), null);
  });

  test('that was ended by a logout does not come back', () => {
    const first = started();
    const { session } = first.open({ token: deploy, role: 'operate' });
    const other = first.open({ token: deploy, role: 'operate' });
    first.end(session);
    const next = started();
    assert.notEqual(next.find(other.secret, [deploy]), null);
    assert.equal(next.isOpen(session.id, [deploy]), false);
  });

  test('that ends in one of two processes ends in the other, and one that begins is known to both', () => {
    const [predecessor, successor] = [started(), started()];
    const one = predecessor.open({ token: deploy, role: 'operate' });
    assert.notEqual(successor.find(one.secret, [deploy]), null);
    const two = successor.open({ token: deploy, role: 'operate' });
    assert.notEqual(predecessor.find(two.secret, [deploy]), null);
    const ended: string[] = [];
    predecessor.onEnd(({ id }) => ended.push(id));
    successor.end(one.session);
    assert.equal(predecessor.find(one.secret, [deploy]), null);
    assert.notEqual(predecessor.find(two.secret, [deploy]), null);
    assert.deepEqual(ended, [one.session.id]);
  });

  test('ends for everybody when the file is removed', () => {
    const sessions = started();
    const { secret } = sessions.open({ token: null, role: 'operate' });
    rmSync(path);
    assert.equal(sessions.find(secret, []), null);
  });

  test('stands in a file that only its user may read, without its secret', () => {
    const { secret, session } = started().open({ token: deploy, role: 'operate' });
    assert.equal(statSync(path).mode & 0o777, 0o600);
    const text = readFileSync(path, 'utf8');
    assert.ok(text.includes(session.id) && !text.includes(secret));
  });

  test('lasts as long as the process where the folder cannot be written', () => {
    writeFileSync(folder, 'a file');
    const sessions = started();
    const { secret } = sessions.open({ token: deploy, role: 'operate' });
    assert.notEqual(sessions.find(secret, [deploy]), null);
    assert.equal(started().find(secret, [deploy]), null);
  });
});

const damaged: readonly (readonly [what: string, text: string])[] = [
  ['no JSON', '{'],
  ['of another version', '{"version":2,"sessions":[]}'],
  ['without a list', '{"version":1,"sessions":{}}'],
  [
    'with a session that lacks its end',
    '{"version":1,"sessions":[{"id":"00","token":null,"role":"operate","parent":null}]}',
  ],
  [
    'with a role that there is not',
    '{"version":1,"sessions":[{"id":"00","token":null,"role":"root","endsAt":9e15,"parent":null}]}',
  ],
  [
    'with a token that is none',
    '{"version":1,"sessions":[{"id":"00","token":{"name":1},"role":"read","endsAt":9e15,"parent":null}]}',
  ],
  ['empty', ''],
];
for (const [what, text] of damaged)
  test(`a file ${what} has no session, and the next login replaces it`, () => {
    mkdirSync(folder, { mode: 0o700 });
    writeFileSync(path, text, { mode: 0o600 });
    const sessions = started();
    assert.equal(sessions.isOpen('00', []), false);
    const { secret } = sessions.open({ token: deploy, role: 'operate' });
    assert.notEqual(started().find(secret, [deploy]), null);
    assert.ok(!readFileSync(path, 'utf8').includes('"00"'));
  });

test('a session lasts no longer than 12 hours after a start, whatever the clock said', () => {
  mkdirSync(folder, { mode: 0o700 });
  const { secret } = started().open({ token: deploy, role: 'operate' });
  const kept = JSON.parse(readFileSync(path, 'utf8')) as { sessions: { endsAt: number }[] };
  for (const one of kept.sessions) one.endsAt += 1000 * hour;
  writeFileSync(path, JSON.stringify(kept));
  const sessions = started();
  assert.notEqual(sessions.find(secret, [deploy]), null);
  clock.advanceSync(12 * hour);
  assert.equal(sessions.find(secret, [deploy]), null);
});
