import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { protocolAnswered, protocolsAsked, protocolsRequired } from './upgrade.ts';

describe('protocols that are asked for', () => {
  for (const [value, asked] of [
    ['websocket', 'websocket'],
    ['h2c', null],
    ['H2C, websocket', 'websocket'],
    ['HTTP/2.0', null],
    ['h2, http/3, TLS/1.3, HTTP', null],
    ['httpx, tlsx/1', 'httpx, tlsx/1'],
    ['a/1.0 ,, b', 'a/1.0, b'],
    ['', null],
    ['web socket', null],
    ['"websocket"', null],
    ['websocket/', null],
    ['web/sock/et', null],
    ['websocket, "h2c"', null],
    ['wébsocket', null],
  ] as const) {
    test(`"${value}" is ${asked ?? 'none'}`, () => assert.equal(protocolsAsked(value), asked));
  }
});

describe('the protocols that a 426 names', () => {
  for (const [value, required] of [
    ['websocket', 'websocket'],
    ['HTTP/3.0,, TLS/1.3', 'HTTP/3.0, TLS/1.3'],
    ['web socket', null],
    ['', null],
    [null, null],
  ] as const) {
    test(`"${value}" is ${required ?? 'none'}`, () => assert.equal(protocolsRequired(value), required));
  }
});

describe('the protocol of an answer', () => {
  for (const [asked, answered, chosen] of [
    ['websocket', 'websocket', 'websocket'],
    ['websocket', 'WebSocket', 'WebSocket'],
    ['a/1, websocket', 'websocket', 'websocket'],
    ['a/1, b', 'a/1, b', 'a/1, b'],
    ['websocket', 'h2c', null],
    ['websocket', 'websocket, other', null],
    ['a/1', 'a/2', null],
    ['websocket', null, null],
    ['websocket', '', null],
    [null, 'websocket', null],
  ] as const) {
    test(`${answered} to ${asked} is ${chosen ?? 'none that was asked for'}`, () =>
      assert.equal(protocolAnswered(asked, answered), chosen));
  }
});
